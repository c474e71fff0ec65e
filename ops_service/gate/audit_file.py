"""The audit file: a chain of lines. Each line names the hash of the previous one.

A line is a JSON object. Its first member, ``previous``, is the SHA-256 of the
previous line, newline excluded. Altering, removing or moving a line breaks the
chain after it, unless the rest is rewritten. A rewrite is detected with a saved
hash of a later line. Several processes may append to one file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops_service.errors import StartError

# Another process holds the lock while it writes to the file.
_LOCK_SECONDS = 2.0
_BLOCK = 64 << 10


def chained(record: dict[str, Any], previous: str) -> tuple[bytes, str]:
    """Return a record as a line without newline, and the hash that the next line names."""
    line = json.dumps({"previous": previous, **record}, separators=(",", ":")).encode()
    return line, hashlib.sha256(line).hexdigest()


class FileSink:
    """Appends to a file that only its owner may write to.

    Args:
        rotate_bytes: Size at which the file is renamed to ``….1`` and a new file
            begins. Its first line continues the chain. 0 for never.
        keep: Number of renamed files to keep.

    Raises:
        StartError: The file cannot be opened, or others own it or may write to it.
    """

    def __init__(self, path: Path, *, rotate_bytes: int = 0, keep: int = 10) -> None:
        self._path = path
        self._end = 0
        self._rotate_bytes = rotate_bytes
        self._keep = keep
        try:
            fd = self._open()
            try:
                self._take(fd, _read_end(fd))
            except BaseException:
                os.close(fd)
                raise
        except _Unsafe as error:
            raise StartError(f"{error}.") from None
        except OSError as error:
            raise StartError(
                f"The audit file {path} cannot be opened ({error.strerror}); check audit.file "
                "and the permissions of its directory."
            ) from error

    def write(self, record: dict[str, Any], *, durable: bool) -> str:
        """Append a record and return its hash. If durable, it is on disk when this returns.

        Raises:
            OSError: It could not be written.
        """
        with self._locked():
            if os.fstat(self._fd).st_size != self._end:
                self._end, self._head, self._torn = _read_end(self._fd)
            line, head = chained(record, self._head)
            if self._rotate_bytes and self._end > 0 and self._end + len(line) > self._rotate_bytes:
                self._rotate()
            # End a line that a crash truncated, so that it does not damage the next one.
            data = (b"\n" if self._torn else b"") + line + b"\n"
            try:
                _write_all(self._fd, data)
            except OSError:
                # Leave no partial line if the disk is full.
                with contextlib.suppress(OSError):
                    os.ftruncate(self._fd, self._end)
                raise
            self._end += len(data)
            self._head, self._torn = head, False
            if durable:
                os.fdatasync(self._fd)
            return head

    def close(self) -> None:
        """Close the file. Does nothing if it is closed already."""
        if self._is_ours():
            os.close(self._fd)

    def _open(self) -> int:
        """Open the file at the path, or create it.

        Raises:
            OSError: It cannot be opened, or writing to it is not safe.
        """
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self._path, flags, 0o600)
        try:
            _refuse_unsafe(self._path, os.fstat(fd))
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _take(self, fd: int, end: tuple[int, str, bool]) -> None:
        self._fd, self._file = fd, _identity(os.fstat(fd))
        self._end, self._head, self._torn = end

    def _is_ours(self) -> bool:
        """Whether the descriptor still refers to the audit file.

        A host that closes every descriptor, as daemons do, closes this one too. The number
        then goes to the next file or connection that the host opens.
        """
        try:
            return _identity(os.fstat(self._fd)) == self._file
        except OSError:
            return False

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the file that the path names at the moment."""
        limit = time.monotonic() + _LOCK_SECONDS
        try:
            while not self._lock_named(limit):
                self._follow(limit)
            yield
        finally:
            if self._is_ours():
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _lock_named(self, limit: float) -> bool:
        """Lock the open file. Return whether the path still names it."""
        if not self._is_ours():
            return False
        _lock(self._fd, limit)
        try:
            return _identity(os.lstat(self._path)) == self._file
        except FileNotFoundError:
            return False

    def _follow(self, limit: float) -> None:
        """Switch to the file that the path names.

        Another process of the service, or an external tool, has rotated the open file. If
        the new file cannot be opened, the old one stays open.
        """
        ours = self._is_ours()
        head = _read_end(self._fd)[1] if ours else self._head
        fresh = self._open()
        try:
            _lock(fresh, limit)
            end, found, torn = _read_end(fresh)
        except BaseException:
            os.close(fresh)
            raise
        if ours:
            os.close(self._fd)
        self._take(fresh, (end, found or head, torn))

    def _rotate(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self._path}.{number}", f"{self._path}.{number + 1}")
        if self._keep:
            os.replace(self._path, f"{self._path}.1")
        else:
            os.unlink(self._path)
        fresh = self._open()
        fcntl.flock(fresh, fcntl.LOCK_EX)
        os.close(self._fd)
        self._take(fresh, (0, self._head, False))


class _Unsafe(OSError):
    """A file that is not safe to write records to."""


def _refuse_unsafe(path: Path, info: os.stat_result) -> None:
    """Raise _Unsafe, with the remedy, for a file that others could alter or read."""
    if not stat.S_ISREG(info.st_mode):
        raise _Unsafe(f"The audit file {path} is not a regular file; move it away")
    if info.st_uid not in (0, os.geteuid()):
        raise _Unsafe(
            f"The audit file {path} belongs to the user {info.st_uid}, who could alter it; "
            f"move it away, or run chown {os.geteuid()} on it"
        )
    if info.st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise _Unsafe(
            f"The audit file {path} may be read by everyone or written by others; run "
            "chmod 600 on it"
        )


def _identity(info: os.stat_result) -> tuple[int, int]:
    return info.st_dev, info.st_ino


def _lock(fd: int, limit: float) -> None:
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.002)


def _write_all(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def _read_end(fd: int) -> tuple[int, str, bool]:
    """Size of a file, the hash of its last line, and whether that line lacks its newline."""
    size = os.fstat(fd).st_size
    if not size:
        return 0, "", False
    torn = os.pread(fd, 1, size - 1) != b"\n"
    end = size if torn else size - 1
    line, at = b"", end
    while at > 0 and b"\n" not in line:
        begin = max(0, at - _BLOCK)
        line = os.pread(fd, at - begin, begin) + line
        at = begin
    return size, hashlib.sha256(line.rpartition(b"\n")[2]).hexdigest(), torn
