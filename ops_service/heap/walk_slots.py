"""At most one child of each kind at once: snapshot, census, growth sample; each counts the
memory that the others are estimated to take.

Growth samples are censuses too, but have a slot of their own: a background watch takes
them for as long as the process lives, and whoever counts meanwhile would have to wait.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_reserved: dict[str, int] = {}
_owner = 0

SNAPSHOT = "snapshot"
CENSUS = "census"
GROWTH = "growth"


def take(slot: str) -> bool:
    """Take a slot; False if it is taken. Give it back with :func:`give_back`."""
    global _owner
    with _lock:
        if _owner != os.getpid():
            # A forked process has none of its parent's children.
            _reserved.clear()
            _owner = os.getpid()
        if slot in _reserved:
            return False
        _reserved[slot] = 0
        return True


def give_back(slot: str) -> None:
    """Give a slot back."""
    with _lock:
        _reserved.pop(slot, None)


def reserve(slot: str, size: int) -> None:
    """Note the bytes that the walk in a slot is estimated to take."""
    with _lock:
        if slot in _reserved:
            _reserved[slot] = size


def reserved_by_others(slot: str) -> int:
    """Bytes that walks in other slots are estimated to take."""
    with _lock:
        return sum(size for name, size in _reserved.items() if name != slot)


@contextmanager
def given_back_on_error(slot: str) -> Iterator[None]:
    """Give a slot back if the block raises."""
    try:
        yield
    except BaseException:
        give_back(slot)
        raise
