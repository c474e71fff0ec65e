"""The store's open files, which a forked child must not keep.

A file lock shows that a process lives. Forked children would hold the lock too, so it
would outlive the process.
"""

from __future__ import annotations

import contextlib
import os
import threading


class Descriptors:
    """Opens and closes files, and knows which are open. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[int] = set()

    def open(self, path: os.PathLike[str], flags: int) -> int:
        """Open a file that is not a symlink. A new file gets mode 0600."""
        with self._lock:
            fd = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            self._open.add(fd)
        return fd

    def close(self, fd: int) -> None:
        """Close a file. Does nothing if it is already closed."""
        with self._lock:
            if fd in self._open:
                self._open.discard(fd)
                os.close(fd)

    def give_up_in_child(self) -> None:
        """Replace each open file with /dev/null, in a forked child.

        The descriptor numbers stay in use, because objects that the child inherited may
        still close them. Does not take the lock: its holder may not exist here.
        """
        with contextlib.suppress(OSError):
            null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            for fd in self._open:
                with contextlib.suppress(OSError):
                    os.dup2(null, fd, inheritable=False)
            os.close(null)
