"""Reads one snapshot from the store, from any message on."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from types import TracebackType

from ops_service.errors import Busy, Cancelled, InvalidRequest, SnapshotNotFound, StoreDamaged
from ops_service.store.directory import PART, Directory
from ops_service.store.failures import read_failure
from ops_service.store.writer import PartialSnapshot
from ops_service.varint import MAX_BYTES, read_varint

# The walker writes at most about 200 KiB a message. A larger length than this is damage.
_MESSAGE_MAX = 8 << 20
_WAIT_SECONDS = 0.25


class SnapshotReader:
    """Reads whole messages in order. Use it as a context manager, from one thread at a time.

    Reading blocks for the disk. It also blocks briefly if the snapshot is still being
    written. If the store evicts the snapshot meanwhile, it can still be read to its end.
    """

    def __init__(
        self, directory: Directory, snapshot_id: str, offset: int, partial: PartialSnapshot | None
    ) -> None:
        """
        Args:
            directory: The store.
            snapshot_id: The snapshot.
            offset: Byte at which to begin: 0, or the end of a message.
            partial: Progress of the writer, if this process is writing the snapshot.

        Raises:
            SnapshotNotFound: There is no such snapshot.
            InvalidRequest: No message ends at the offset.
            StoreDamaged: The file is damaged.
            Busy: Another process is writing the snapshot.
        """
        self._directory = directory
        self._id = snapshot_id
        self._partial = partial
        self._fd = -1
        self._size = 0
        self._complete = partial is None
        self._position = 0
        self._mutex = threading.Lock()
        self._busy = True
        self._left = False
        try:
            self._begin(offset)
        finally:
            self._end_use()

    def _begin(self, offset: int) -> None:
        if self._partial is None:
            path = self._directory.find(self._id)
            if path.suffix == PART:
                raise Busy(
                    f"Another process is writing the snapshot {self._id}; try again.",
                    retry_after=5.0,
                )
            self._open(path)
        self._skip(offset)

    def __enter__(self) -> SnapshotReader:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file now, or at the end of a running read. Safe from any thread."""
        with self._mutex:
            self._left = True
            if not self._busy:
                self._directory.descriptors.close(self._fd)

    def _end_use(self) -> None:
        with self._mutex:
            self._busy = False
            if self._left:
                self._directory.descriptors.close(self._fd)

    @property
    def position(self) -> int:
        """Offset of the next message."""
        return self._position

    def read(self, limit: int) -> list[bytes] | None:
        """Read the next messages, each with its length before it.

        Args:
            limit: Bytes after which no further message is read.

        Returns:
            The messages; an empty list if the next is not written yet; None at the end.

        Raises:
            StoreDamaged: The file is damaged.
            Exception: The error that ended the capture of this snapshot.
        """
        with self._mutex:
            if self._left:
                raise Cancelled("The reader was closed.")
            self._busy = True
        try:
            return self._read(limit)
        finally:
            self._end_use()

    def _read(self, limit: int) -> list[bytes] | None:
        if self._position >= self._size and not self._complete:
            self._look_for_more(_WAIT_SECONDS)
        messages: list[bytes] = []
        total = 0
        while self._position < self._size and total < limit:
            end = self._end_of_message()
            messages.append(self._bytes(self._position, end))
            total += end - self._position
            self._position = end
        if not messages and self._complete:
            return None
        return messages

    def _skip(self, offset: int) -> None:
        while self._position < offset:
            if self._position >= self._size:
                if self._complete:
                    break
                self._look_for_more(_WAIT_SECONDS)
                if self._position >= self._size and not self._complete:
                    break
            while self._position < min(offset, self._size):
                self._position = self._end_of_message()
        if self._position != offset:
            self.close()
            raise InvalidRequest(
                f"offset is {offset}, and no message of the snapshot ends there; begin at the end "
                "of a whole message, or at 0.",
                details={"field": "offset"},
            )

    def _look_for_more(self, seconds: float) -> None:
        assert self._partial is not None
        path, self._size, self._complete = self._partial.wait(self._position, seconds)
        if self._fd < 0 and path is not None:
            try:
                self._open(path)
            except SnapshotNotFound:
                # The writer has just renamed it.
                self._open(self._directory.find(self._id))

    def _open(self, path: os.PathLike[str]) -> None:
        try:
            self._fd = self._directory.descriptors.open(path, os.O_RDONLY)
            if self._partial is None:
                self._size = os.fstat(self._fd).st_size
        except FileNotFoundError:
            raise SnapshotNotFound(
                f"The snapshot {self._id} has just been evicted for later ones."
            ) from None
        except OSError as error:
            raise read_failure(error) from error

    def _end_of_message(self) -> int:
        prefix = self._bytes(self._position, min(self._position + MAX_BYTES, self._size))
        with suppress(ValueError):
            if (head := read_varint(prefix)) is not None:
                length, begin = head
                end = self._position + begin + length
                if 0 < length <= _MESSAGE_MAX and end <= self._size:
                    return end
        self.close()
        raise StoreDamaged(
            f"The snapshot {self._id} is damaged at byte {self._position}: its file was cut or "
            "altered. Other snapshots are not affected; capture again."
        )

    def _bytes(self, begin: int, end: int) -> bytes:
        try:
            data = os.pread(self._fd, end - begin, begin)
        except OSError as error:
            raise read_failure(error) from error
        if len(data) != end - begin:
            self.close()
            raise StoreDamaged(f"The file of the snapshot {self._id} was cut during the read.")
        return data
