"""Reclaim memory: a full collection, and a trim of malloc."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

from ops_service.errors import InvalidRequest
from ops_service.process.memory import Memory, read_memory


@dataclass(frozen=True, slots=True)
class Collection:
    """Result of a full collection."""

    unreachable_count: int
    pause: float
    """Seconds that it took. It stopped the process for about as long."""


@dataclass(frozen=True, slots=True)
class Trim:
    """Result of a trim."""

    released: bool | None
    """Whether malloc returned memory to the system. None if a trim is not possible here."""
    reason: str
    """Why a trim is not possible. Empty if it is."""
    elapsed: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """Actions taken, and the memory's parts before and after them."""

    before: Memory
    after: Memory
    collection: Collection | None
    trim: Trim | None


def reclaim_memory(arena_statistics: Callable[[], str], *, collect: bool, trim: bool) -> Reclaimed:
    """Collect, trim, or both in this order.

    A collection holds the GIL until it ends, and runs finalizers of the application
    in this thread. A trim holds malloc's locks, but not the GIL. Neither can be
    cancelled.

    Raises:
        InvalidRequest: The caller requests neither.
    """
    if not (collect or trim):
        raise InvalidRequest(
            "The request asks for nothing; set collect, trim, or both.",
            details={"field": "collect"},
        )
    before = read_memory(arena_statistics)
    collection = _collect() if collect else None
    trimmed = _trim() if trim else None
    return Reclaimed(before, read_memory(arena_statistics), collection, trimmed)


def _collect() -> Collection:
    begin = time.monotonic()
    count = gc.collect()
    return Collection(count, time.monotonic() - begin)


def _trim() -> Trim:
    try:
        # A Python can be built without ctypes.
        from ops_service.process import libc
    except ImportError:
        return Trim(None, "malloc is called through ctypes, which this Python lacks.", 0.0)
    begin = time.monotonic()
    try:
        released = libc.malloc_trim()
    except libc.Unavailable as error:
        return Trim(None, str(error), 0.0)
    return Trim(released, "", time.monotonic() - begin)
