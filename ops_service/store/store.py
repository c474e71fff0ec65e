"""Interface of the store for the rest of the service."""

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
    """Snapshots and histories of this process and of earlier ones.

    Methods block for the disk, so call them in worker threads.
    """

    def __init__(self, path: Path, max_bytes: int, facts: InstanceFacts) -> None:
        """
        Raises:
            StartError: The directory is not safe, or does not exist.
        """
        self._directory = Directory(path, max_bytes, facts)
        self._lock = threading.Lock()
        self._partial: dict[str, PartialSnapshot] = {}

    @property
    def max_bytes(self) -> int:
        """Bound on the bytes of the whole store."""
        return self._directory.max_bytes

    def used_bytes(self) -> int:
        """Bytes of all files, of all processes."""
        return self._directory.used_bytes()

    def snapshots(self) -> list[StoredSnapshot]:
        """Every snapshot, latest first."""
        return self._directory.snapshots()

    def instances(self) -> list[StoredInstance]:
        """Every process that has files here, latest start first."""
        return self._directory.instances()

    def announce(self, snapshot_id: str) -> PartialSnapshot:
        """Announce a snapshot before it is written, so that readers can wait for it.

        Raises:
            StoreFull, StoreUnwritable: The store cannot be written to.
        """
        self._directory.check_writable()
        partial = PartialSnapshot(snapshot_id)
        with self._lock:
            self._partial[snapshot_id] = partial
        return partial

    def write(self, partial: PartialSnapshot, messages: Generator[bytes, None, None]) -> None:
        """Write the messages of an announced snapshot, then give the file its name.

        Always closes the messages, which ends the capture behind them. After an error no
        part of the snapshot remains.

        Raises:
            StoreFull, StoreUnwritable: The store cannot be written to.
            Exception: Any error that the messages raise.
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
        """End an announcement. Waiting readers get the error, if the write has not ended."""
        partial.end(error)
        with self._lock:
            self._partial.pop(partial.snapshot_id, None)

    def read(self, snapshot_id: str, offset: int) -> SnapshotReader:
        """Read a snapshot from a message on. See `SnapshotReader`."""
        with self._lock:
            partial = self._partial.get(snapshot_id)
        return SnapshotReader(self._directory, snapshot_id, offset, partial)

    def write_history(self, max_bytes: int) -> HistoryWriter:
        """Begin the history of this process, with at most ``max_bytes`` bytes."""
        return HistoryWriter(self._directory, max_bytes)

    def read_history(self, instance_id: str) -> tuple[list[bytes], int]:
        """The records of a process's history. See `history.read_history`."""
        return read_history(self._directory.path / instance_id)

    def previous(self) -> StoredInstance | None:
        """The last ended process that has a history; None without one."""
        ended = [each for each in self.instances() if not each.running and each.history_bytes]
        return max(ended, key=lambda each: each.last_write, default=None)

    def close(self) -> None:
        """Release this process's lock. Its files stay."""
        self._directory.close()

    def give_up_in_child(self) -> None:
        """Release all files in a forked child: they belong to the parent."""
        self._directory.descriptors.give_up_in_child()


def required(store: Store | None) -> Store:
    """Return the store.

    Raises:
        StoreDisabled: No store is configured.
    """
    if store is None:
        raise StoreDisabled(
            "This process has no store; set directory under [store] in its configuration and "
            "restart it."
        )
    return store
