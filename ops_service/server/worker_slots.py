"""A separate address for each worker: the lowest free slot.

A slot is claimed by a lock on a file in the run directory. The system releases the lock
with the process, and a fork does not inherit it. So a restarted worker takes its
predecessor's slot, and ports can be declared in advance.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from ops_service.config.check_address import split_address
from ops_service.config.model import SLOT, ServerConfig
from ops_service.errors import StartError
from ops_service.server.sockets import check_port, check_socket_path

# The system would grant this process its own locks again.
_held: set[Path] = set()


@dataclass(slots=True)
class Claim:
    """An address, and the lock that reserves it."""

    address: str
    slot: int
    _lock: int | None
    _path: Path | None
    _file: tuple[int, int] | None = None
    """Device and inode of the lock file."""

    def __post_init__(self) -> None:
        if self._lock is not None:
            self._file = _file_of(self._lock)

    def release(self) -> None:
        """Release the slot for another process. Does nothing the second time."""
        lock, self._lock = self._lock, None
        # A host that closes all descriptors has closed this one, and the number may now
        # belong to one of the host's files.
        if lock is not None and _file_of(lock) == self._file:
            os.close(lock)
        if self._path is not None:
            _held.discard(self._path)


def _file_of(descriptor: int) -> tuple[int, int] | None:
    try:
        info = os.fstat(descriptor)
    except OSError:
        return None
    return info.st_dev, info.st_ino


def claim_address(server: ServerConfig, *, private: bool = False) -> Claim:
    """Claim the lowest slot whose address can be bound.

    Args:
        private: Require that no other user can enter a socket's directory.

    Raises:
        StartError: No slot has such an address. Gives the reason for the last one.
    """
    if server.run_directory is None:
        _check(server.address, private)
        return Claim(server.address, 0, None, None)
    last: StartError | None = None
    for slot in range(server.slots):
        path = server.run_directory / f"slot-{slot}.lock"
        lock = None if path in _held else _lock(path)
        if lock is None:
            continue
        address = _address(server.address, slot)
        try:
            _check(address, private)
        except StartError as error:
            os.close(lock)
            last = error
            continue
        _held.add(path)
        return Claim(address, slot, lock, path)
    raise last or StartError(
        f"All {server.slots} slots of {server.run_directory} are taken by other processes; set "
        "server.slots to the largest number of workers."
    )


def _lock(path: Path) -> int | None:
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(
            f"The lock {path} cannot be made ({error.strerror}); check server.run_directory."
        ) from error
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _address(address: str, slot: int) -> str:
    if address.startswith("unix:"):
        return address.replace(SLOT, str(slot))
    host, port = split_address(address)
    if ":" in host:
        host = f"[{host}]"
    return f"{host}:{port + slot if port else 0}"


def _check(address: str, private: bool) -> None:
    if address.startswith("unix:"):
        check_socket_path(Path(address.removeprefix("unix:")), private=private)
    else:
        check_port(*split_address(address))
