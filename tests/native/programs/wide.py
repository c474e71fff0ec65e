"""Runs in the host: more of everything than the walk's fixed buffers hold."""

from __future__ import annotations

import atexit
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ops_service.heap.census import take_census
from ops_service.heap.model import CensusOptions

from . import capture
from .patient import PATIENCE

MANY = 1500
KEPT: list[object] = []
CENSUS = CensusOptions(lifetime_limit=PATIENCE)


class Local:
    pass


class Suspended:
    pass


class Slotted:
    __slots__ = tuple(f"slot_{number}" for number in range(MANY))


class InSlot:
    pass


class InAttribute:
    pass


class Numbers(dict[Any, Any]):
    """Has its own traversal, with more slots than a walk can name."""

    __slots__ = tuple(f"slot_{number}" for number in range(MANY))


def function(ending: str) -> Callable[..., Any]:
    """A function with very many local variables."""
    lines = [f"    local_{number} = kind()" for number in range(MANY)]
    text = "\n".join(["def wide(kind, work):", *lines, f"    {ending}"])
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    made: Callable[..., Any] = namespace["wide"]
    return made


def fill(thing: Any, kind: type) -> Any:
    for number in range(MANY):
        setattr(thing, f"slot_{number}", kind())
    return thing


def capture_wide() -> dict[str, Any]:
    suspended: Iterator[None] = function("yield")(Suspended, None)
    next(suspended)
    KEPT.extend([suspended, fill(Slotted(), InSlot), fill(Numbers(), InAttribute)])
    messages, summary = function("return work()")(Local, capture.snapshot)
    KEPT.clear()
    return {"messages": messages, "warnings": summary["warnings"]}


def count_amid(depth: int, callbacks: int, threads: int) -> dict[str, Any]:
    """A census's warnings and count below this many frames, or with this many callbacks
    or threads."""
    leave = threading.Event()
    started = [threading.Thread(target=leave.wait) for _ in range(threads)]
    for _ in range(callbacks):
        atexit.register(capture_wide)
    for thread in started:
        thread.start()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + depth)
    try:
        census = below(depth)
    finally:
        sys.setrecursionlimit(limit)
        atexit.unregister(capture_wide)
        leave.set()
        for thread in started:
            thread.join()
    return {"warnings": census.warnings, "objects": census.object_count}


def below(depth: int) -> Any:
    return below(depth - 1) if depth > 0 else take_census(options=CENSUS)
