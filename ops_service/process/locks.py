"""Which objects are locks, and who holds a lock."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import Any

from ops_service.process.frames import attribute_of

LOCK: type[Any] = type(threading.Lock())
RLOCK: type[Any] = type(threading.RLock())
_OWNER = re.compile(r"owner=(\d+)")


def underlying(value: Any) -> Any:
    """The lock itself, or the lock of a condition; None for any other object."""
    kind = type(value)
    if kind in (threading.Condition, asyncio.Condition):
        value = attribute_of(value, "_lock")
        kind = type(value)
    return value if kind in (LOCK, RLOCK, asyncio.Lock) else None


def is_taken(lock: Any) -> bool:
    """Whether a lock is held."""
    if type(lock) is RLOCK:
        return owner_of(lock) is not None
    return bool(lock.locked())


def owner_of(lock: Any) -> int | None:
    """Identifier of the thread that holds an RLock. None for other locks."""
    if type(lock) is not RLOCK:
        return None
    found = _OWNER.search(repr(lock))
    return int(found[1]) or None if found else None


def lock_name(lock: Any) -> str:
    """Type name of a lock."""
    if type(lock) is asyncio.Lock:
        return "asyncio.Lock"
    return "threading.RLock" if type(lock) is RLOCK else "threading.Lock"
