"""Slots: at most one child at once of each kind (snapshot, census, growth sample).

Each admission counts the estimated memory of the other kinds. Growth samples are censuses
too, but have their own slot: a background watch takes samples as long as the process lives,
and another census would have to wait for it.
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
    """Take a slot. False if it is taken. Release it with :func:`give_back`."""
    global _owner
    with _lock:
        if _owner != os.getpid():
            # A forked process does not have its parent's children.
            _reserved.clear()
            _owner = os.getpid()
        if slot in _reserved:
            return False
        _reserved[slot] = 0
        return True


def give_back(slot: str) -> None:
    """Release a slot."""
    with _lock:
        _reserved.pop(slot, None)


def reserve(slot: str, size: int) -> None:
    """Record the estimated bytes of the walk in a slot."""
    with _lock:
        if slot in _reserved:
            _reserved[slot] = size


def reserved_by_others(slot: str) -> int:
    """Estimated bytes of the walks in other slots."""
    with _lock:
        return sum(size for name, size in _reserved.items() if name != slot)


@contextmanager
def given_back_on_error(slot: str) -> Iterator[None]:
    """Release a slot if the block raises."""
    try:
        yield
    except BaseException:
        give_back(slot)
        raise
