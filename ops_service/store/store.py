"""The store as the rest of the service sees it."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from ops_service.errors import StoreDisabled
from ops_service.store.directory import Directory
from ops_service.store.history_file import HistoryWriter, read_history
from ops_service.store.model import InstanceFacts, StoredInstance, StoredSnapshot
from ops_service.store.reader import SnapshotReader
from ops_service.store.writer import PartialSnapshot, SnapshotWriter


class Store:
    """Snapshots and histories of this process and of those before it.

    Methods block for the disk, so they belong into worker threads.
    """

    def __init__(self, path: Path, max_bytes: int, facts: InstanceFacts) -> None:
        """
        Raises:
            StartError: The directory is not safe, or is not there.
        """
        self._directory = Directory(path, max_bytes, facts)
        self._lock = threading.Lock()
        self._partial: dict[str, PartialSnapshot] = {}

    @property
    def max_bytes(self) -> int:
        """Bound on all of it."""
        return self._directory.max_bytes

    def used_bytes(self) -> int:
        """Bytes of all files, of all processes."""
        return self._directory.used_bytes()

    def snapshots(self) -> list[StoredSnapshot]:
        """Every snapshot, latest first."""
        return self._directory.snapshots()

    def instances(self) -> list[StoredInstance]:
        """Every process that left something here, latest start first."""
        return self._directory.instances()

    def announce(self, snapshot_id: str) -> PartialSnapshot:
        """Announce a snapshot that is about to be written, so that readers can wait for it.

        Raises:
            StoreFull, StoreUnwritable: The store cannot be written to.
        """
        self._directory.check_writable()
        partial = PartialSnapshot(snapshot_id)
        with self._lock:
            self._partial[snapshot_id] = partial
        return partial

    def write(self, partial: PartialSnapshot, messages: Generator[bytes, None, None]) -> None:
        """Write the messages of an announced snapshot, then give it its name.

        Closes the messages in any case, which ends the capture behind them.

        Raises:
            StoreFull, StoreUnwritable: The store cannot be written to. And whatever the
                messages raise. Nothing of the snapshot is left then.
        """
        error: BaseException | None = None
        try:
            with closing(messages), SnapshotWriter(self._directory, partial) as file:
                for message in messages:
                    file.append(message)
                file.commit()
        except BaseException as caught:
            error = caught
            raise
        finally:
            self.withdraw(partial, error)

    def withdraw(self, partial: PartialSnapshot, error: BaseException | None) -> None:
        """End an announcement. Readers that wait get the error, if the write has not ended."""
        partial.end(error)
        with self._lock:
            self._partial.pop(partial.snapshot_id, None)

    def read(self, snapshot_id: str, offset: int) -> SnapshotReader:
        """Read a snapshot from a message on. See `SnapshotReader`."""
        with self._lock:
            partial = self._partial.get(snapshot_id)
        return SnapshotReader(self._directory, snapshot_id, offset, partial)

    def write_history(self, max_bytes: int) -> HistoryWriter:
        """Begin the history of this process, of so many bytes at most."""
        return HistoryWriter(self._directory, max_bytes)

    def read_history(self, instance_id: str) -> tuple[list[bytes], int]:
        """The records of a process's history. See `history.read_history`."""
        return read_history(self._directory.path / instance_id)

    def previous(self) -> StoredInstance | None:
        """The process that ended last, of those that left a history; None without one."""
        ended = [each for each in self.instances() if not each.running and each.history_bytes]
        return max(ended, key=lambda each: each.last_write, default=None)

    def close(self) -> None:
        """Say that this process is done. What it stored stays."""
        self._directory.close()

    def give_up_in_child(self) -> None:
        """Let go of everything, in a forked child: it is the parent's."""
        self._directory.descriptors.give_up_in_child()


def required(store: Store | None) -> Store:
    """The store.

    Raises:
        StoreDisabled: None is configured.
    """
    if store is None:
        raise StoreDisabled(
            "This process has no store; set directory under [store] in its configuration and "
            "start it again."
        )
    return store
