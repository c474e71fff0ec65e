"""Workers of an application that have a port: a file for each in a directory.

A caller outside cannot distinguish workers behind one address. Each worker writes a
descriptor to a directory that they share, so any of them can list all.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from ops_service.errors import StartError
from ops_service.process.identity import ProcessIdentity, start_time_of

_LARGEST = 64 << 10
_MOST = 10_000
# Bytes of the trial write, about the size of a descriptor.
_TRIAL = 4096


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Facts that a worker reports about itself."""

    instance_id: str
    pid: int
    start_time: float | None
    service_start_time: float
    host_name: str
    address: str
    role: str
    slot: int


@dataclass(frozen=True, slots=True)
class Worker:
    """A descriptor, and the system's facts about its process."""

    descriptor: Descriptor
    stale: bool
    """Whether its process is gone, or another process has its pid now."""
    resident_bytes: int
    """0 if not known."""


def prepare_directory(directory: Path) -> None:
    """Create the directory. Refuse one that is not writable or that others may use.

    Raises:
        StartError: The directory cannot be used. The text gives the reason.
    """
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.stat()
    except OSError as error:
        raise _unusable(directory, error) from error
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise StartError(
            f"The run directory {directory} belongs to another user, or others may use it; "
            "choose one of your own with mode 0700."
        )
    trial = directory / f".trial.{os.getpid()}"
    try:
        # Test before the port listens: a directory that cannot hold this file cannot hold
        # a descriptor.
        trial.write_bytes(bytes(_TRIAL))
    except OSError as error:
        raise _unusable(directory, error) from error
    finally:
        with contextlib.suppress(OSError):
            trial.unlink()


def _unusable(directory: Path, error: OSError) -> StartError:
    return StartError(
        f"The run directory {directory} cannot be used ({error.strerror}); choose one below "
        "a directory that exists and that this user may write to."
    )


def describe(identity: ProcessIdentity, *, address: str, role: str, slot: int) -> Descriptor:
    """Create the descriptor of a process."""
    return Descriptor(
        instance_id=identity.instance_id,
        pid=identity.pid,
        start_time=identity.start_time,
        service_start_time=identity.service_start_time,
        host_name=identity.host_name,
        address=address,
        role=role,
        slot=slot,
    )


def write_descriptor(directory: Path, descriptor: Descriptor) -> None:
    """Write this process's descriptor, and replace a predecessor's in the same slot.

    Raises:
        StartError: The descriptor cannot be written.
    """
    path = _path(directory, descriptor)
    part = directory / f".worker-{descriptor.slot}.{descriptor.pid}"
    try:
        part.write_text(json.dumps(asdict(descriptor)))
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise StartError(
            f"The descriptor {path} cannot be written ({error.strerror}); check "
            "server.run_directory."
        ) from error


def remove_descriptor(directory: Path, descriptor: Descriptor) -> None:
    """Remove this process's descriptor, unless a successor already has the slot."""
    path = _path(directory, descriptor)
    found = _read(path)
    if found is not None and found.instance_id == descriptor.instance_id:
        with contextlib.suppress(OSError):
            path.unlink()


def _path(directory: Path, descriptor: Descriptor) -> Path:
    return directory / f"worker-{descriptor.slot}.json"


def list_workers(directory: Path) -> list[Worker]:
    """Workers that have a descriptor, by slot."""
    try:
        paths = sorted(directory.glob("worker-*.json"))[:_MOST]
    except OSError:
        return []
    found = [descriptor for path in paths if (descriptor := _read(path)) is not None]
    return [look_at(each) for each in sorted(found, key=lambda each: (each.slot, each.pid))]


def look_at(descriptor: Descriptor) -> Worker:
    """Read the system's facts about a worker's process."""
    started = start_time_of(descriptor.pid)
    alive = started is not None and (
        descriptor.start_time is None or abs(started - descriptor.start_time) < 1.0
    )
    resident = 0
    if alive:
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int(Path(f"/proc/{descriptor.pid}/statm").read_text().split()[1])
            resident = pages * os.sysconf("SC_PAGE_SIZE")
    return Worker(descriptor, stale=not alive, resident_bytes=resident)


def _read(path: Path) -> Descriptor | None:
    """Read a descriptor. None if the file is not a valid descriptor."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        values = json.loads(path.read_text())
        return Descriptor(
            instance_id=str(values["instance_id"]),
            pid=int(values["pid"]),
            start_time=None if values["start_time"] is None else float(values["start_time"]),
            service_start_time=float(values["service_start_time"]),
            host_name=str(values["host_name"]),
            address=str(values["address"]),
            role=str(values["role"]),
            slot=int(values["slot"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None
