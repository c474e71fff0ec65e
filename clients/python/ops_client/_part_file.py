"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from pathlib import Path
from types import TracebackType

from ops_client.errors import FileNotWritten


class PartFile:
    """A file that is written beside its final name and renamed when it is whole.

    Use it as a context manager. Unless ``commit`` was called, leaving the
    context removes what was written, and a file that stood at the final name
    stays as it was. Only the user may read the file: a heap tells much.

    Methods may be called from different threads.

    Raises:
        FileNotWritten: From every method, with the path and the remedy.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.is_dir():
            raise FileNotWritten(f"{self.path} is a directory; give the name of a file.")
        # A name of its own, so that two writers of one path never share a file.
        try:
            self._descriptor, name = tempfile.mkstemp(
                prefix=f"{self.path.name}.", suffix=".part", dir=self.path.parent
            )
        except OSError as error:
            raise self._failure(error) from error
        self._part = Path(name)
        self._open = True
        # A cancelled asyncio task leaves its write running in a thread: closing
        # waits for it.
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
                self._part.unlink(missing_ok=True)

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
        """Write everything to the disk, then give the file its name."""
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
        # Without this the name itself may be lost when the machine stops.
        # Some file systems cannot do it; the contents are safe all the same.
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
            cause = "the file would pass the size limit (ulimit -f); raise it"
        else:
            cause = f"{error.strerror}; choose another place"
        return FileNotWritten(f"{self.path} was not written: {cause}.")
