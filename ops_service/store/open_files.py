"""The store's open files, which a forked child must not keep.

A lock that tells that a process lives would be held by its forked children too,
and so outlive it.
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
        """Open a file that is no link. A new one is for its owner alone."""
        with self._lock:
            fd = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            self._open.add(fd)
        return fd

    def close(self, fd: int) -> None:
        """Close a file. Does nothing for one that is closed already."""
        with self._lock:
            if fd in self._open:
                self._open.discard(fd)
                os.close(fd)

    def give_up_in_child(self) -> None:
        """Replace each by /dev/null, in a forked child.

        The numbers stay taken, since objects that the child inherited may
        still close them. The lock is not taken: its holder may not exist here.
        """
        with contextlib.suppress(OSError):
            null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            for fd in self._open:
                with contextlib.suppress(OSError):
                    os.dup2(null, fd, inheritable=False)
            os.close(null)
