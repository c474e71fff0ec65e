"""Runs in the host: requests referrers of known objects, and looks up ids."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import types
from typing import Any

from ops_service.errors import OpsServiceError
from ops_service.heap import pause
from ops_service.heap.holder_graph import find_holders
from ops_service.heap.lookup import find_object
from ops_service.heap.referrers import ReferrerOptions, find_referrers
from ops_service.heap.snapshot import start_capture
from ops_service.heap.walker import walker

from .patient import PATIENCE, PATIENT

gc.disable()

OPTIONS = ReferrerOptions(time_limit=PATIENCE, lifetime_limit=PATIENCE)
IN_NO_TIME = ReferrerOptions(time_limit=0.0, lifetime_limit=PATIENCE)


class Item:
    """The planted type."""


class Link:
    __slots__ = ("next",)


class Knot:
    """In a cycle that nothing holds."""


class Pinned:
    """Held by a reference that no object shows."""


class InFrame:
    """Held by a local variable alone."""


class Deep:
    """At the end of very many references."""


class Slotted:
    __slots__ = ("only",)


LEAVE, READY = threading.Event(), threading.Event()


def wait_with(item: InFrame) -> None:
    READY.set()
    LEAVE.wait()


def function_of(item: Item) -> Any:
    return lambda: item


def plant() -> None:
    module = types.ModuleType("planted")
    sys.modules["planted"] = module
    module.mapping = {f"secret {number}": Item() for number in range(3000)}
    item = module.single = Item()
    module.items = [None, item]
    module.pair = (item,)
    module.function = function_of(item)
    module.slotted = Slotted()
    module.slotted.only = item
    # Only the object itself keeps this list alive.
    item.inner = [item]
    module.head = link = Link()
    for _ in range(100_000):
        link.next = Link()
        link = link.next
    link.next = Deep()
    module.text = "".join(["not ", "tracked"])
    knot = Knot()
    knot.me = [knot]
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(Pinned()))
    threading.Thread(target=wait_with, args=(InFrame(),), name="holder", daemon=True).start()
    READY.wait()


def by_type(name: str, breadth: int = 100) -> dict[str, Any]:
    return search(name, breadth)


def by_id(name: str) -> dict[str, Any]:
    """Referrers of the only object of a type, or of the single item."""
    found = find_referrers(name, OPTIONS)
    holders = find_holders(found, breadth=100, folded=True)
    paths = [path for path in holders.paths if name != ITEM or path.text.startswith(SINGLE)]
    return search(holders.nodes[paths[0].nodes[-1]].step.object_id, 100)


ITEM = "native.programs.referrers.Item"
SINGLE = "planted.single"


def search(target: int | str, breadth: int, options: ReferrerOptions = OPTIONS) -> dict[str, Any]:
    try:
        found = find_referrers(target, options)
    except OpsServiceError as error:
        return {"error": type(error).__name__, "text": str(error)}
    holders = find_holders(found, breadth=breadth, folded=isinstance(target, str))
    return {
        "paths": [(path.text, path.count) for path in holders.paths],
        "steps": [[holders.nodes[node].step.left_out for node in p.nodes] for p in holders.paths],
        "object_count": found.object_count,
        "way_count": found.way_count,
        "looked_at": len(found.ways),
        "partial": found.is_partial,
        "targets": [node.step.object_id for node in holders.nodes if node.is_target],
        "edges": list(holders.edges),
        "nodes": len(holders.nodes),
        "dot": holders.dot(),
    }


def in_no_time(target: int | str) -> dict[str, Any]:
    return search(target, 10, IN_NO_TIME)


def beside_a_capture() -> dict[str, Any]:
    with start_capture(PATIENT):
        return search(ITEM, 10)


# ---- lookup.c ------------------------------------------------------------------------


def id_of_item() -> int:
    found = find_referrers(ITEM, OPTIONS)
    holders = find_holders(found, breadth=100, folded=True)
    return next(
        holders.nodes[path.nodes[-1]].step.object_id
        for path in holders.paths
        if path.text.startswith(SINGLE)
    )


def look_up(object_id: int, type_name: str, seconds: float) -> tuple[int, bool]:
    """How the lookup ended, and whether it returned the planted item."""
    end, found = walker.find_object(object_id, type_name, seconds)
    return end, found is not None and found is sys.modules["planted"].single


def look_up_within(budget: float) -> object:
    """The result of a lookup that would walk the whole heap."""
    text = id_of_text()
    pause.configure(budget)
    try:
        return find_object(text, "str")
    finally:
        pause.configure(pause.DEFAULT_BUDGET)


def id_of_text() -> int:
    """The id of a string that a module holds."""
    found = find_referrers("str", OPTIONS)
    holders = find_holders(found, breadth=10_000, folded=False)
    return holders.nodes[holders.paths[0].nodes[-1]].step.object_id
