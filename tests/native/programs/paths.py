"""Runs in the host: takes growth samples before and after changes that the test knows."""

from __future__ import annotations

import asyncio
import atexit
import collections
import contextvars
import ctypes
import functools
import gc
import io
import sys
import threading
import tracemalloc
import types
import weakref

from eventually import eventually

from ops_service.errors import Cancelled
from ops_service.heap.census import take_census
from ops_service.heap.model import CensusOptions
from ops_service.heap.path_sampler import PathSampler
from ops_service.heap.path_text import folded_path
from ops_service.heap.paths import PathNames

from .patient import PATIENCE

gc.disable()

OPTIONS = CensusOptions(lifetime_limit=PATIENCE)


class Item:
    """The planted type."""

    def __init__(self) -> None:
        self.tags = ["a"]

    def touch(self) -> None:
        """Do nothing."""


class Keyed:
    """Supports weak references."""


class Link:
    __slots__ = ("next",)

    def __init__(self, following: Link | None) -> None:
        self.next = following


class Tree:
    def __init__(self, depth: int) -> None:
        self.left = Tree(depth - 1) if depth else None
        self.right = Tree(depth - 1) if depth else None


class Knot:
    def __init__(self) -> None:
        self.self = self


class Held:
    @functools.lru_cache(maxsize=None)  # noqa: B019, UP033
    def cached(self) -> int:
        return 1


def plant() -> types.ModuleType:
    """A module, so that its attributes have names on paths."""
    module = types.ModuleType("planted")
    sys.modules["planted"] = module
    module.by_key = {}
    module.items = []
    module.nested = {"a": [], "b": []}
    module.queue = collections.deque()
    module.weak = weakref.WeakKeyDictionary()
    module.chain = None
    module.tree = None
    module.text = io.BytesIO()
    module.local = threading.local()
    module.local.rows = []
    module.variable = contextvars.ContextVar("planted_rows")
    module.variable.set([])
    module.namespace = types.SimpleNamespace()
    module.functions = []
    module.generators = []
    return module


def suspended(item: Item):
    yield item


def callback(item: Item):
    return lambda: item


def grow(module: types.ModuleType, count: int) -> None:
    """Make the growth that the test expects, ``count`` times."""
    module.chain = None
    for _ in range(count):
        module.by_key[object()] = Item()
        module.items.append(Item())
        module.nested["a"].append(Item())
        module.queue.append((Item(),))
        key = Keyed()
        module.weak[key] = key
        module.chain = Link(module.chain)
        module.text.write(b"x" * 100)
        module.local.rows.append(Item())
        module.variable.get().append(Item())
        setattr(module.namespace, f"name{len(vars(module.namespace))}", Item())
        module.functions.append(callback(Item()))
        generator = suspended(Item())
        next(generator)
        module.generators.append(generator)
        Held().cached()
        Knot()
        atexit.register(Item().touch)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(Item()))
    module.tree = Tree(10)


def difference(count: int) -> dict[str, tuple[int, int, int]]:
    """Paths in a sample after the growth, with differences of count, size and length."""
    module = plant()
    sampler = PathSampler(OPTIONS)
    first = sampler.take()
    assert first.paths.changes == ()
    grow(module, count)
    found = changes(sampler)
    atexit._clear()
    return found


def changes(sampler: PathSampler) -> dict[str, tuple[int, int, int]]:
    sample = sampler.take()
    found: dict[str, list[int]] = {}
    for each in sample.paths.changes:
        sums = found.setdefault(folded_path(sample.names, each.node), [0, 0, 0])
        sums[0] += each.count - each.count_before
        sums[1] += each.size - each.size_before
        sums[2] += each.length - each.length_before
    return {text: (count, size, length) for text, (count, size, length) in found.items()}


def totals() -> dict[str, int]:
    """The figures of a sample, and those of a census."""
    sampler = PathSampler(OPTIONS)
    sampler.take()
    census = take_census(options=OPTIONS)
    sample = sampler.take()
    return {
        "census_objects": census.object_count,
        "census_size": census.total_size + sum(row.extra_size for row in census.types),
        "objects": sample.paths.object_count,
        "size": sample.paths.total_size,
        "changes": len(sample.paths.changes),
        "nodes": sample.paths.node_count,
        "past_bound": sample.paths.past_bound,
    }


def after_a_lost_sample() -> tuple[int, int]:
    """The growth in a sample after the child of the sample before was killed."""
    module = plant()
    sampler = PathSampler(OPTIONS)
    sampler.take()
    module.items.extend(Item() for _ in range(5))
    lost = 0
    try:
        sampler.take(cancelled=lambda: True)
    except Exception:
        lost = 1
    module.items.extend(Item() for _ in range(5))
    return lost, changes(sampler)["planted.items[…] (native.programs.paths.Item)"][0]


def after_an_unread_sample() -> tuple[str, int]:
    """The growth in a sample after one that was cancelled once its child had written it."""
    module = plant()
    sampler = PathSampler(OPTIONS)
    sampler.take()
    table = sampler._table
    assert table is not None
    looks = 0

    def is_written() -> bool:
        nonlocal looks
        looks += 1
        if looks == 1:
            return False
        eventually(lambda: table.samples != 1, within=PATIENCE, pause=0.001)
        return True

    module.items.extend(Item() for _ in range(3))
    end = ""
    try:
        sampler.take(is_written)
    except Cancelled as error:
        end = type(error).__name__
    # The first sample of another table, because a table reports each name only once.
    sampler.take()
    module.items.extend(Item() for _ in range(5))
    return end, changes(sampler)["planted.items[…] (native.programs.paths.Item)"][0]


def in_another_order(count: int) -> tuple[int, dict[str, int]]:
    """New nodes if names come in another order, with one name gone and one new. Also the
    items among them whose number has changed."""
    module = plant()
    names = [f"moved{number}" for number in range(count)]
    for name in names:
        setattr(module.namespace, name, Item())
    sampler = PathSampler(OPTIONS)
    sampler.take()
    before = sampler.take().paths.node_count
    items = [vars(module.namespace).pop(name) for name in names]
    for name, item in list(zip(names, items, strict=True))[:0:-1]:
        setattr(module.namespace, name, item)
    module.namespace.new = items[0]
    del items, item
    sample = sampler.take()
    changed = {
        sample.names[each.node].name: each.count - each.count_before
        for each in sample.paths.changes
        if each.node in sample.names and sample.names[each.node].type_name.endswith("paths.Item")
    }
    return sample.paths.node_count - before, changed


def many_names(count: int) -> tuple[int, int]:
    """Nodes that very many attributes make, and instances, which are all counted."""
    module = plant()
    sampler = PathSampler(OPTIONS)
    before = sampler.take().paths.node_count
    for number in range(count):
        setattr(module.namespace, f"many{number}", Item())
    sample = sampler.take()
    counted = sum(
        each.count - each.count_before
        for each in sample.paths.changes
        if each.node in sample.names and sample.names[each.node].type_name.endswith("paths.Item")
    )
    return sample.paths.node_count - before, counted


def many_types(count: int) -> tuple[int, int]:
    """Nodes that classes of one name make, and instances, counted as one type."""
    module = plant()
    sampler = PathSampler(OPTIONS)
    before = sampler.take().paths.node_count
    module.items.extend(type("Made", (), {})() for _ in range(count))
    sample = sampler.take()
    most = max(
        (each.count for each in sample.paths.changes if is_made(sample.names, each.node)), default=0
    )
    return sample.paths.node_count - before, most


def is_made(names: PathNames, number: int) -> bool:
    return number in names and names[number].type_name.endswith("Made")


def tasks() -> str:
    """The path of a task that waits forever."""
    module = plant()
    module.waiting = set()
    sampler = PathSampler(OPTIONS)
    sampler.take()
    loop = asyncio.new_event_loop()
    module.loop = loop

    async def wait() -> None:
        await loop.create_future()

    async def begin() -> None:
        module.waiting.update(loop.create_task(wait()) for _ in range(7))
        await asyncio.sleep(0)

    loop.run_until_complete(begin())
    found = [
        text for text, (count, *_) in changes(sampler).items() if count == 7 and "Task)" in text
    ]
    return found[0]


def site() -> tuple[str, str]:
    """The allocation site of the newest item: from the walk, and from Python.

    Python 3.11 does not know it for every object.
    """
    module = plant()
    module.items.append(Item())
    sampler = PathSampler(OPTIONS)
    tracemalloc.start()
    try:
        sampler.take()
        module.items.append(Item())
        sample = sampler.take()
        trace = tracemalloc.get_object_traceback(module.items[-1])
    finally:
        tracemalloc.stop()
    (found,) = [
        sample.names.site(change.node)
        for change in sample.paths.changes
        if folded_path(sample.names, change.node) == f"planted.items[…] ({Item.__module__}.Item)"
    ]
    return found, f"{trace[-1].filename}:{trace[-1].lineno}" if trace is not None else ""
