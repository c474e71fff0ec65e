"""The proof of the walker's layout: objects for a child to find, and what it misses.

A release that moves a structure must fail here, and not in a capture. The child reads the
planted objects through the same functions as a walk; a wrong layout harms the child alone.
"""

from __future__ import annotations

import asyncio
import builtins
import gc
import sys
from array import array
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any, cast

from ops_service.errors import OpsServiceError
from ops_service.heap.walker import walker

_SECONDS = 15.0
_BYTES = 1 << 28
_KEPT_BY_THREADS = sys.version_info >= (3, 14)
"""Whether a thread's state keeps the running event loop."""

_frozen_dict: Any = getattr(builtins, "frozendict", lambda entries: None)


class _Instance:
    def __init__(self, first: object, second: object) -> None:
        self.first = first
        self.second = second


class _Slotted:
    __slots__ = ("only",)

    def __init__(self, only: object) -> None:
        self.only = only


def _generator(planted_local: object) -> Iterator[object]:
    yield planted_local


@contextmanager
def _running_loop() -> Iterator[object]:
    """The event loop that the state of this thread keeps; None where no state keeps it.

    Without a loop, an object takes its place for the duration: nothing else runs here.
    """
    if not _KEPT_BY_THREADS:
        yield None
    elif (running := asyncio._get_running_loop()) is not None:
        yield running
    else:
        marker: Any = object()
        asyncio._set_running_loop(marker)
        try:
            yield marker
        finally:
            asyncio._set_running_loop(None)


def prove() -> str:
    """Name of the structure that the walker misreads; "" if none.

    Costs the host the pause of one clone.

    Raises:
        OpsServiceError: The child could not be started, or ended early.
    """
    from ops_service.heap import pause
    from ops_service.heap.headroom import resident_bytes

    # The child looks for this variable in the frame of this function.
    planted_local = object()
    resident = resident_bytes()
    pause.admit(resident)
    with _running_loop() as loop:
        planted = _plant(planted_local, sys._getframe().f_code, loop)
        return _read(planted, resident)


def _read(planted: tuple[object, ...], resident: int) -> str:
    from ops_service.heap.child_handle import WalkBounds, WalkChild, WalkKind

    child = WalkChild().start(WalkKind.PROOF, WalkBounds(_SECONDS, _BYTES), resident, planted)
    try:
        while child.read():
            pass
        try:
            child.finish()
        except OpsServiceError:
            end = child.end
            if end is not None and end.status == walker.STATUS_MISMATCH:
                return str(end.report["proof_step"])
            raise
    finally:
        child.close()
    return ""


def _plant(planted_local: object, code: CodeType, loop: object) -> tuple[object, ...]:
    """Objects for the child to find, in the order of the PLANT_ numbers.

    Args:
        planted_local: Value of a variable of this name in a frame that runs.
        code: The code of that frame.
        loop: The running event loop of this thread; None where no thread state has it.
    """
    key, value, item = "".join(("planted", "_key")), object(), object()
    tracked: list[object] = []
    dicted = _Instance(planted_local, value)
    dicted.__dict__["third"] = item
    generator = _generator(planted_local)
    next(generator)
    space = type("_Space", (), {key: value})
    # The namespace holds the interned twin of the key.
    interned = next(name for name in vars(space) if name == key)
    plants: dict[int, object] = {
        walker.PLANT_INSTANCE: _Instance(planted_local, value),
        walker.PLANT_FIRST: planted_local,
        walker.PLANT_SECOND: value,
        walker.PLANT_DICTED: dicted,
        walker.PLANT_STRING_DICT: {interned: value},
        walker.PLANT_GENERAL_DICT: {interned: value, 1: item},
        walker.PLANT_KEY: interned,
        walker.PLANT_VALUE: value,
        walker.PLANT_LIST: [item],
        walker.PLANT_ITEM: item,
        walker.PLANT_SLOTTED: _Slotted(value),
        walker.PLANT_TRACKED: tracked,
        walker.PLANT_CALLBACKS: gc.callbacks,
        walker.PLANT_CODE: code,
        walker.PLANT_LOCAL: planted_local,
        walker.PLANT_GENERATOR: generator,
        walker.PLANT_FUNCTION: prove,
        walker.PLANT_FUNCTION_CODE: prove.__code__,
        walker.PLANT_FROZEN: min(gc.get_freeze_count(), 1),
        walker.PLANT_SIZES: _sizes(dicted),
        walker.PLANT_CLASS_DICT_HAS: space,
        walker.PLANT_FROZEN_DICT: _frozen_dict({interned: value}),
        walker.PLANT_RUNNING_LOOP: loop,
    }
    planted = tuple(plants[number] for number in sorted(plants))
    tracked.append(planted)
    return planted


def _sizes(dicted: _Instance) -> tuple[tuple[object, int], ...]:
    """Objects of many kinds, each with its size as the interpreter reports it.

    Args:
        dicted: An instance that has a `__dict__` object.
    """
    samples: tuple[object, ...] = (
        0, 7, -(10**30), "ascii", "ü", "\u20ac" * 9, b"bytes", [1, 2, 3], (1, 2), {1: 2}, {"a": 1},
        {1, 2, 3}, set(range(40)), frozenset((1,)), bytearray(b"xyz"), bytearray(), dicted,
        _Instance(1, 2), _Slotted(1), prove, int, _Instance, len, range(3), 1.5, None, True,
        deque(range(70)), OrderedDict(a=1, b=2), array("d", [1.5, 2.5]), prove.__code__,
        # Not this function's frame: a cycle through it would keep the variables of all
        # callers until a collection.
        _generator(0), cast(Any, _generator(0)).gi_frame, _frozen_dict({"a": 1}),
    )  # fmt: skip
    return tuple((each, sys.getsizeof(each)) for each in samples)
