"""Checks whether the native walker can run on this interpreter.

The walker reads structures of the interpreter directly. Before its first use, a child
proves that their layout is the one that the walker was compiled for.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import threading
from collections.abc import Iterator
from types import CodeType

from ops_service.errors import (
    CloneRefused,
    InsufficientMemory,
    OpsServiceError,
    PauseOverBudget,
    WalkFailed,
    WalkTimeout,
)
from ops_service.heap.model import EngineStatus
from ops_service.heap.walker import NAME, walker

_PROOF_SECONDS = 15.0
_PROOF_BYTES = 1 << 28

_REBUILD = "Install ops-service again on this interpreter, from source and with a C compiler."

_lock = threading.Lock()
_allow_other_patch_release = False
_status: tuple[int, EngineStatus] | None = None
"""Process id and status; a forked process checks again."""


def configure(*, allow_other_patch_release: bool) -> None:
    """Choose whether a walker compiled for another patch release may run.

    The proof of the layout must succeed in either case.
    """
    global _allow_other_patch_release, _status
    with _lock:
        if allow_other_patch_release != _allow_other_patch_release:
            _allow_other_patch_release = allow_other_patch_release
            _status = None


def engine_status() -> EngineStatus:
    """Report whether the native engine can run here.

    The first call costs the host the pause of one fork. Once the status is final, later
    calls cost nothing.
    """
    global _status
    with _lock:
        if _status is not None and _status[0] == os.getpid():
            return _status[1]
        status, final = _find_out()
        if final:
            _status = (os.getpid(), status)
        return status


def _find_out() -> tuple[EngineStatus, bool]:
    """The status, and whether it is final."""
    if sys.implementation.name != "cpython":
        return _off(
            f"The snapshot engine needs CPython, and this is {sys.implementation.name}."
        ), True
    try:
        found = importlib.import_module(NAME)
    except ImportError:
        return _off(_missing()), True
    if found is not walker:
        return _off(_missing()), True
    compiled_for = walker.COMPILED_FOR
    running = ".".join(map(str, sys.version_info[:3]))
    if compiled_for.split("+")[0] != running and not _allow_other_patch_release:
        return (
            _off(
                f"The walker was compiled for CPython {compiled_for} and this is {running}. "
                f"{_REBUILD} Or set allow_other_patch_release in [heap] to rely on the proof of "
                "the layout.",
                compiled_for,
            ),
            True,
        )
    try:
        failed_step = _prove()
    except WalkTimeout:
        return _off(
            "The proof of the walker's layout got too little CPU time. Try again.", compiled_for
        ), False
    except (CloneRefused, InsufficientMemory, PauseOverBudget) as error:
        return _off(str(error), compiled_for), False
    except WalkFailed as error:
        # A kill from outside may not repeat; a fault does.
        passing = error.retry_after is not None
        remedy = "Try again." if passing else _REBUILD
        return _off(
            f"The proof of the walker's layout failed: {error} {remedy}", compiled_for
        ), not passing
    except Exception as error:
        return _off(
            f"The proof of the walker's layout failed: {error} {_REBUILD}", compiled_for
        ), True
    if failed_step:
        reason = f"The walker misreads {failed_step} of this interpreter. {_REBUILD}"
        return _off(reason, compiled_for), True
    return EngineStatus(True, "", compiled_for), True


def _off(reason: str, compiled_for: str = "") -> EngineStatus:
    return EngineStatus(False, reason, compiled_for)


def _missing() -> str:
    if sys.version_info[:2] not in ((3, 11), (3, 12), (3, 13)):
        return "The snapshot engine supports CPython 3.11 to 3.13, and this is another release."
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return "The snapshot engine does not support free-threaded builds."
    if not sys.platform.startswith("linux"):
        return "The snapshot engine needs Linux."
    return f"The walker was not compiled when ops-service was installed. {_REBUILD}"


# ---- proof -----------------------------------------------------------------------


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


def _prove() -> str:
    """Name of the structure that the walker misreads; "" if none."""
    from ops_service.heap import pause
    from ops_service.heap.child_handle import WalkBounds, WalkChild, WalkKind
    from ops_service.heap.headroom import resident_bytes

    # The child looks for this variable in the frame of this function.
    planted_local = object()
    planted = _plant(planted_local, sys._getframe().f_code)
    resident = resident_bytes()
    pause.admit(resident)
    bounds = WalkBounds(_PROOF_SECONDS, _PROOF_BYTES)
    child = WalkChild().start(WalkKind.PROOF, bounds, resident, planted)
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


def _plant(planted_local: object, code: CodeType) -> tuple[object, ...]:
    """Objects for the child to find, in the order of the PLANT_ numbers.

    Args:
        planted_local: Value of a variable of this name in a frame that runs.
        code: The code of that frame.
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
        walker.PLANT_FUNCTION: _prove,
        walker.PLANT_FUNCTION_CODE: _prove.__code__,
        walker.PLANT_FROZEN: min(gc.get_freeze_count(), 1),
        walker.PLANT_SIZES: _sizes(dicted),
        walker.PLANT_CLASS_DICT_HAS: space,
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
        {1, 2, 3}, set(range(40)), frozenset((1,)), bytearray(b"xyz"), dicted, _Instance(1, 2),
        _Slotted(1), _prove, int, _Instance, len, range(3), 1.5, None, True,
    )  # fmt: skip
    return tuple((each, sys.getsizeof(each)) for each in samples)
