"""Writes one snapshot into the store, and reports its progress to readers."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from types import TracebackType

from ops_service.errors import Cancelled
from ops_service.store.directory import PART, WHOLE, Directory
from ops_service.store.failures import write_failure

# Bytes to write before the next check of the store's bound.
_ROOM_BYTES = 8 << 20


class PartialSnapshot:
    """A snapshot that is being written. Readers follow it. Safe from any thread."""

    def __init__(self, snapshot_id: str) -> None:
        self.snapshot_id = snapshot_id
        self._changed = threading.Condition()
        self._path: Path | None = None
        self._written = 0
        self._ended = False
        self._error: BaseException | None = None

    def advance(self, path: Path, written: int) -> None:
        """Report that ``written`` bytes of whole messages can be read at the path."""
        with self._changed:
            self._path, self._written = path, written
            self._changed.notify_all()

    def end(self, error: BaseException | None) -> None:
        """Report the end of the snapshot, with the error if there was one."""
        with self._changed:
            if not self._ended:
                self._ended, self._error = True, error
                self._changed.notify_all()

    def wait(self, offset: int, seconds: float) -> tuple[Path | None, int, bool]:
        """Wait until more than ``offset`` bytes are written, for at most ``seconds``.

        Returns:
            The file, or None before the first write; bytes that can be read; whether the
            snapshot is whole.

        Raises:
            Exception: The error that ended the capture, after all bytes before it are read.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._written > offset, seconds)
            if self._ended and self._error is not None and self._written <= offset:
                raise self._error
            # The error is raised only after all bytes before it are read.
            return self._path, self._written, self._ended and self._error is None


class SnapshotWriter:
    """Writes the messages of one snapshot. Use it as a context manager.

    Leaving the context without a call of ``commit`` removes the written file.

    Raises:
        StoreFull, StoreUnwritable: From every method.
    """

    def __init__(self, directory: Directory, partial: PartialSnapshot) -> None:
        directory.check_writable()
        self._directory = directory
        self._partial = partial
        self._room = 0
        self._written = 0
        self._part = directory.own / (partial.snapshot_id + PART)
        self._open = False
        try:
            self._fd = directory.descriptors.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except OSError as error:
            raise write_failure(error) from error
        self._open = True

    def __enter__(self) -> SnapshotWriter:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._open:
            self._open = False
            self._directory.descriptors.close(self._fd)
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)
            self._partial.end(exc or Cancelled("The capture was abandoned."))

    def append(self, message: bytes) -> None:
        """Append a message that begins with its length."""
        data = memoryview(message)
        if self._room < len(data):
            self._room = max(_ROOM_BYTES, len(data))
            self._directory.make_room(self._room)
        size = len(data)
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            raise write_failure(error) from error
        self._room -= size
        self._written += size
        self._partial.advance(self._part, self._written)

    def commit(self) -> None:
        """Sync the file to disk, then give it its final name."""
        whole = self._part.with_suffix(WHOLE)
        try:
            os.fsync(self._fd)
            self._part.rename(whole)
        except OSError as error:
            raise write_failure(error) from error
        self._open = False
        self._directory.descriptors.close(self._fd)
        self._partial.advance(whole, self._written)
        self._partial.end(None)
