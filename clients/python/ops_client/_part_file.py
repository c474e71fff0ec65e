"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from ops_client._wire import MAX_VARINT_BYTES, WireError, decode_varint
from ops_client.errors import FileNotWritten


class PartFile:
    """A file that is written beside its final name and renamed when it is complete.

    Use it as a context manager. Leaving the context without ``commit`` removes the
    partial file, and an existing file at the final name is unchanged. Only the user may
    read the file: a heap reveals much.

    After ``keep``, the partial file stays under a name that ``reopen`` finds, whatever
    happens to this process.

    Methods may be called from different threads.

    Raises:
        FileNotWritten: From every method, with the path and the remedy.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.is_dir():
            raise FileNotWritten(f"{self.path} is a directory; give the name of a file.")
        # Root could replace a device with a file.
        if os.path.exists(self.path) and not os.path.isfile(self.path):
            raise FileNotWritten(f"{self.path} is a device or a pipe; give the name of a file.")
        # A unique name, so that two writers of one path never share a file.
        try:
            self._descriptor, name = tempfile.mkstemp(
                prefix=f"{self.path.name}.", suffix=".part", dir=self.path.parent
            )
        except OSError as error:
            raise self._failure(error) from error
        self._part = Path(name)
        self._kept = False
        self._open = True
        # A cancelled asyncio task leaves its write running in a thread. Closing waits
        # for that write.
        self._lock = threading.Lock()

    def __enter__(self) -> PartFile:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            if self._open:
                self._open = False
                os.close(self._descriptor)
                if not self._kept:
                    self._part.unlink(missing_ok=True)

    @classmethod
    def reopen(cls, path: str | os.PathLike[str], tag: str) -> Self:
        """Resume a kept file, or begin one that is kept from the start."""
        file = cls(path)
        try:
            file._adopt(tag)
        except BaseException:
            file.__exit__(None, None, None)
            raise
        return file

    @property
    def is_kept(self) -> bool:
        """Whether the data stays on disk if it is incomplete."""
        return self._kept

    @property
    def part(self) -> Path:
        """Path of the data until it is complete."""
        return self._part

    def keep(self, tag: str) -> None:
        """Keep the data from now on, under the final name plus this tag."""
        part = self._tagged(tag)
        with self._lock:
            self._take_over(self._descriptor)
            try:
                os.rename(self._part, part)
            except OSError as error:
                raise self._failure(error) from error
            self._part, self._kept = part, True

    def discard(self) -> None:
        """Keep nothing: the data is useless."""
        self._kept = False

    def messages(self) -> Iterator[bytes]:
        """Yield the messages in the file. Each has its length before it.

        Stops at the first incomplete message.
        """
        position, size = 0, os.fstat(self._descriptor).st_size
        while position < size:
            prefix = os.pread(self._descriptor, MAX_VARINT_BYTES, position)
            try:
                length, begin = decode_varint(prefix, 0)
            except WireError:
                return
            if length > size - position - begin:
                return
            yield os.pread(self._descriptor, length, position + begin)
            position += begin + length

    def truncate(self, size: int) -> None:
        """Cut the file to a size, and continue writing there."""
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)

    def _tagged(self, tag: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{tag}.part")

    def _adopt(self, tag: str) -> None:
        part = self._tagged(tag)
        try:
            descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise self._failure(error) from error
        try:
            self._take_over(descriptor)
        except FileNotWritten:
            os.close(descriptor)
            raise
        os.close(self._descriptor)
        self._part.unlink(missing_ok=True)
        self._descriptor, self._part, self._kept = descriptor, part, True

    def _take_over(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FileNotWritten(
                f"Another process already downloads {self.path}; wait for it, or choose another "
                "name."
            ) from error

    def write(self, data: bytes) -> None:
        """Append data."""
        with self._lock:
            if not self._open:
                raise FileNotWritten(f"{self.path} was given up while it was being written.")
            view = memoryview(data)
            try:
                while view:
                    view = view[os.write(self._descriptor, view) :]
            except OSError as error:
                raise self._failure(error) from error

    def commit(self) -> None:
        """Flush everything to the disk, then give the file its name."""
        with self._lock:
            if not self._open:
                raise FileNotWritten(f"{self.path} was given up while it was being written.")
            try:
                os.fsync(self._descriptor)
                os.rename(self._part, self.path)
            except OSError as error:
                raise self._failure(error) from error
            self._open = False
            os.close(self._descriptor)
        self._sync_directory()

    def _sync_directory(self) -> None:
        # Without this, the name itself may be lost in a crash of the machine.
        # Some file systems cannot do it; the contents are safe anyway.
        try:
            descriptor = os.open(self.path.parent, os.O_RDONLY)
        except OSError:
            return
        try:
            os.fsync(descriptor)
        except OSError:
            pass
        finally:
            os.close(descriptor)

    def _failure(self, error: OSError) -> FileNotWritten:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            cause = "no space is left; free some, or write elsewhere"
        elif error.errno == errno.EFBIG:
            cause = "the file would exceed the size limit (ulimit -f); raise it"
        else:
            cause = f"{error.strerror}; choose another place"
        return FileNotWritten(f"{self.path} was not written: {cause}.")
