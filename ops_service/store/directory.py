"""The directory of the store: its safety, its contents, and its bound.

Each process has its own directory below it, named by its instance id:

    INSTANCE/instance.json     facts about the process; locked while it lives
    INSTANCE/SNAPSHOT.heap     a whole snapshot
    INSTANCE/SNAPSHOT.part     a snapshot that a process is writing
    INSTANCE/history.N         the watch's history, in segments
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from ops_service.errors import OpsServiceError, SnapshotNotFound, StartError, StoreFull
from ops_service.log import Log
from ops_service.store.failures import write_failure
from ops_service.store.model import (
    InstanceFacts,
    SnapshotState,
    StoredInstance,
    StoredSnapshot,
    is_id,
)
from ops_service.store.open_files import Descriptors

_LOG = Log()

FACTS = "instance.json"
WHOLE = ".heap"
PART = ".part"
HISTORY = "history."

# Bytes to read. Facts are smaller, but a damaged file may have any size.
_FACTS_BYTES = 4096


class Directory:
    """The store's directory, as this process sees it. Safe from any thread.

    Attributes:
        own: Directory of this process.
        descriptors: Open files.
        max_bytes: Bound on all files of the store, of all processes.
    """

    def __init__(self, path: Path, max_bytes: int, facts: InstanceFacts) -> None:
        """Open the store, register this process, and clean up after dead ones.

        Raises:
            StartError: The directory is not safe, or does not exist.
        """
        self.path = path
        self.max_bytes = max_bytes
        self.own = path / facts.instance_id
        self.descriptors = Descriptors()
        self._evicting = threading.Lock()
        self._closed = False
        self._facts_fd = -1
        self._refusal: OpsServiceError | None = None
        _make_safe(path)
        try:
            self._enter(facts)
        except OSError as error:
            # Files of other processes can still be read.
            self._refusal = write_failure(error)
            _LOG.error("the store %s cannot be written to: %s", path, error.strerror)
            return
        self._clear_up()

    def _enter(self, facts: InstanceFacts) -> None:
        self.own.mkdir(0o700)
        self._facts_fd = self.descriptors.open(self.own / FACTS, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        fcntl.flock(self._facts_fd, fcntl.LOCK_EX)
        os.write(self._facts_fd, json.dumps(dataclasses.asdict(facts)).encode())

    def _clear_up(self) -> None:
        """Remove unfinished snapshots of dead processes, and empty directories."""
        for each in self._instance_directories():
            if each == self.own or _is_running(each):
                continue
            with contextlib.suppress(OSError):
                for part in each.glob(f"*{PART}"):
                    part.unlink(missing_ok=True)
                self._remove_if_empty(each)

    def check_writable(self) -> None:
        """Raise StoreUnwritable or StoreFull if the store could not be entered."""
        if self._refusal is not None:
            raise self._refusal

    def close(self) -> None:
        """Release this process's lock. Its files stay."""
        if not self._closed:
            self._closed = True
            self.descriptors.close(self._facts_fd)

    # ---- what lies in it -------------------------------------------------------------

    def snapshots(self) -> list[StoredSnapshot]:
        """Every snapshot, latest first. Costs a stat of each file."""
        found = [
            StoredSnapshot(
                snapshot_id=file.stem,
                instance_id=directory.name,
                byte_count=info.st_size,
                stored_time=info.st_mtime,
                state=SnapshotState.WHOLE if file.suffix == WHOLE else SnapshotState.WRITING,
            )
            for directory in self._instance_directories()
            for file, info in _files(directory)
            if file.suffix in (WHOLE, PART) and is_id(file.stem)
        ]
        return sorted(found, key=lambda each: each.stored_time, reverse=True)

    def find(self, snapshot_id: str) -> Path:
        """Find the file of a whole snapshot, or of one that a process is writing.

        Raises:
            SnapshotNotFound: There is no such snapshot.
        """
        if is_id(snapshot_id):
            for directory in self._instance_directories():
                # Look for the whole file twice: it may get its name between the first two.
                for suffix in (WHOLE, PART, WHOLE):
                    path = directory / (snapshot_id + suffix)
                    if path.is_file() and not path.is_symlink():
                        return path
        raise SnapshotNotFound(
            f"The store has no snapshot {snapshot_id[:64]!r}. It may have been evicted for later "
            "ones; list the snapshots."
        )

    def instances(self) -> list[StoredInstance]:
        """Every process that has files here, latest start first."""
        found = []
        for directory in self._instance_directories():
            facts = _read_facts(directory)
            if facts is None:
                continue
            history = [info for file, info in _files(directory) if file.name.startswith(HISTORY)]
            found.append(
                StoredInstance(
                    facts=facts,
                    running=directory == self.own or _is_running(directory),
                    history_bytes=sum(info.st_size for info in history),
                    last_write=max((info.st_mtime for info in history), default=0.0),
                )
            )
        return sorted(found, key=lambda each: each.facts.service_start_time, reverse=True)

    def used_bytes(self) -> int:
        """Bytes of all files of the store."""
        return sum(
            info.st_size
            for directory in self._instance_directories()
            for _, info in _files(directory)
        )

    # ---- its bound -------------------------------------------------------------------

    def make_room(self, needed: int) -> None:
        """Evict the oldest files until ``needed`` bytes fit under the bound.

        Evicts whole snapshots of every process, and histories of ended processes. A file
        that a reader has open keeps its bytes until the reader is done.

        Raises:
            StoreFull: The bytes do not fit even after every eviction.
        """
        with self._evicting:
            excess = self.used_bytes() + needed - self.max_bytes
            if excess <= 0:
                return
            removable = sorted(self._removable(), key=lambda each: each[1].st_mtime)
            if sum(info.st_size for _, info in removable) < excess:
                raise StoreFull(
                    f"The store may hold {self.max_bytes} bytes, and the files that it must keep "
                    "leave too little room. Raise store.max_bytes, or capture without the store."
                )
            for file, info in removable:
                with contextlib.suppress(FileNotFoundError):
                    file.unlink()
                excess -= info.st_size
                if file.parent != self.own:
                    self._remove_if_empty(file.parent)
                if excess <= 0:
                    return

    def _removable(self) -> Iterator[tuple[Path, os.stat_result]]:
        for directory in self._instance_directories():
            ended = directory != self.own and not _is_running(directory)
            for file, info in _files(directory):
                if file.suffix == WHOLE or (ended and file.name.startswith(HISTORY)):
                    yield file, info

    def _remove_if_empty(self, directory: Path) -> None:
        if _is_running(directory):
            return
        with contextlib.suppress(OSError):
            if {file.name for file, _ in _files(directory)} <= {FACTS}:
                (directory / FACTS).unlink(missing_ok=True)
                directory.rmdir()

    def _instance_directories(self) -> list[Path]:
        try:
            return [
                Path(entry.path)
                for entry in os.scandir(self.path)
                if is_id(entry.name) and entry.is_dir(follow_symlinks=False)
            ]
        except OSError:
            return []


def _make_safe(path: Path) -> None:
    try:
        with contextlib.suppress(FileExistsError):
            path.mkdir(0o700)
        info = path.stat()
    except OSError as error:
        raise StartError(
            f"The directory {path} of the store cannot be used ({error.strerror}); create it with "
            "mode 0700, owned by the user of this process, or change store.directory."
        ) from error
    if not stat.S_ISDIR(info.st_mode):
        raise StartError(f"store.directory is {path}, which is not a directory; name one.")
    if info.st_uid != os.geteuid() or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise StartError(
            f"The directory {path} of the store belongs to another user, or others may write to "
            "it; name a directory below it, which is then created with mode 0700, or run "
            f"`chmod 700 {path}` as the user of this process."
        )


def _files(directory: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Regular files of a directory, without files that vanish meanwhile.

    One scan may miss a snapshot that is renamed during the scan, by any process. Two
    scans do not both miss it.
    """
    before, found = _look(directory), _look(directory)
    for part in before.keys() - found.keys():
        whole = part.with_suffix(WHOLE)
        if part.suffix == PART and whole not in found:
            with contextlib.suppress(OSError):
                found[whole] = whole.lstat()
    yield from found.items()


def _look(directory: Path) -> dict[Path, os.stat_result]:
    found = {}
    with contextlib.suppress(OSError):
        for entry in os.scandir(directory):
            with contextlib.suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    found[Path(entry.path)] = entry.stat(follow_symlinks=False)
    return found


def _is_running(directory: Path) -> bool:
    """Whether the process of a directory lives: it holds the lock of the facts."""
    try:
        fd = os.open(directory / FACTS, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _read_facts(directory: Path) -> InstanceFacts | None:
    """The facts of a directory; None if its file is damaged."""
    try:
        with open(directory / FACTS, "rb") as file:
            facts = InstanceFacts(**json.loads(file.read(_FACTS_BYTES)))
    except (OSError, ValueError, TypeError):
        return None
    return facts if facts.instance_id == directory.name else None
