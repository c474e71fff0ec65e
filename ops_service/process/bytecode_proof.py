"""Proof that the bytecode of this Python is read right, on functions whose answer is known.

Instructions change with every minor release. Where they are not as expected, who holds and
who waits for a lock is not known, and an answer must say so.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Generator
from functools import cache
from typing import Any

from ops_service.process.bytecode import Path, Spot, read_spot
from ops_service.process.frames import MISSING, READS_LOCALS, resolve

CANNOT_READ = (
    "Who holds a lock and who waits for one is unknown in this process, and circles of locks "
    "are missing: the bytecode of this Python is not what the service knows."
)


class _Probe:
    """Stands in for a lock. Each call reads the position of its caller."""

    def __init__(self) -> None:
        self.lock = self
        self.spots: list[Spot] = []
        self.resolved = True

    def acquire(self, blocking: bool = True, timeout: float = -1) -> None:
        self._read(sys._getframe(1))

    def __enter__(self) -> None:
        self._read(sys._getframe(1))

    def __exit__(self, *_: object) -> None:
        pass

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass

    def _read(self, frame: types.FrameType) -> None:
        spot = read_spot(frame.f_code, frame.f_lasti)
        self.spots.append(spot)
        if spot.on is not None and (READS_LOCALS or spot.on.scope == "global"):
            self.resolved &= resolve(spot.on, frame) is self


_GLOBAL = _Probe()
_ATTRIBUTE = Path("local", ("holder", "lock"))
_LOCAL, _OUTER = Path("local", ("own",)), Path("local", ("outer",))
_FROM_MODULE = Path("global", ("_GLOBAL", "lock"))


def _takes_locks(holder: _Probe) -> None:
    with holder.lock:
        own = holder.lock
        with own:
            own.acquire(timeout=1.0)
        holder.lock.acquire(True, 1.0)


def _takes_locks_from_elsewhere(outer: _Probe) -> None:
    def inner() -> None:
        with outer, _GLOBAL.lock:
            try:
                outer.acquire()
            finally:
                _GLOBAL.lock.acquire()

    inner()


async def _takes_a_lock_and_waits(holder: _Probe) -> None:
    async with holder.lock:
        await _suspended()


@types.coroutine
def _suspended() -> Generator[None, None, None]:
    yield


_EXPECTED = [
    Spot("__enter__", _ATTRIBUTE),
    Spot("__enter__", _LOCAL, (_ATTRIBUTE,)),
    Spot("acquire", _LOCAL, (_LOCAL, _ATTRIBUTE)),
    Spot("acquire", _ATTRIBUTE, (_ATTRIBUTE,)),
    Spot("__enter__", _OUTER),
    Spot("acquire", _OUTER, (_FROM_MODULE, _OUTER)),
]
_EXPECTED_OF_GLOBAL = [
    Spot("__enter__", _FROM_MODULE, (_OUTER,)),
    Spot("acquire", _FROM_MODULE, (_FROM_MODULE, _OUTER)),
]


@cache
def reads_bytecode() -> bool:
    """Whether positions are read right. Costs some milliseconds, once a process."""
    try:
        return _read_sync() and _read_async()
    except Exception:
        return False


def _read_sync() -> bool:
    probe = _Probe()
    _GLOBAL.spots.clear()
    _takes_locks(probe)
    _takes_locks_from_elsewhere(probe)
    right = probe.spots == _EXPECTED and _GLOBAL.spots == _EXPECTED_OF_GLOBAL
    return right and probe.resolved and _GLOBAL.resolved


def _read_async() -> bool:
    probe = _Probe()
    coroutine: Any = _takes_a_lock_and_waits(probe)
    try:
        coroutine.send(None)
        frame = coroutine.cr_frame
        spot = read_spot(frame.f_code, frame.f_lasti)
        held = resolve(_ATTRIBUTE, frame) if READS_LOCALS else MISSING
        return spot.inside == (_ATTRIBUTE,) and (held is probe or not READS_LOCALS)
    finally:
        coroutine.close()
