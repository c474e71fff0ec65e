"""Runs in the host: plants a small graph, and takes each kind of walk of it."""

from __future__ import annotations

import collections
import gc
import sys
import types
import weakref
from dataclasses import asdict

from ops_service.heap.census import take_census
from ops_service.heap.model import CensusOptions, ContentLevel, Contents
from ops_service.heap.path_sampler import PathSampler
from ops_service.heap.path_text import folded_path
from ops_service.heap.referrers import ReferrerOptions, Step, find_referrers

from . import capture
from .patient import PATIENCE

gc.disable()

MODULE = "golden_planted"


class Root:
    __slots__ = ("items",)


class Leaf:
    __slots__ = ("back", "value")


class Plain:
    """Its attributes are inline, or in a dict that is a namespace."""

    def __init__(self) -> None:
        self.first: object = [1.5]
        self.second: object = None


class Weak:
    __slots__ = ("__weakref__",)


def leaf(root: Root, value: object) -> Leaf:
    made = Leaf()
    made.back, made.value = root, value
    return made


def plant() -> Root:
    """A graph of lists, tuples, dicts, sets, slots, attributes, closures and weak references."""
    root = Root()
    weak = Weak()
    plain, dicted = Plain(), Plain()
    dicted.__dict__ = {"first": [2.5], "third": (3.5, 1 << 72)}
    captured = [4.5]
    root.items = [
        leaf(root, [0.5, (1 << 70,)]),
        leaf(root, {"a planted key": b"planted bytes", (1, 2): "a planted text"}),
        leaf(root, {1 << 71}),
        leaf(root, collections.deque([5.5, 6.5])),
        leaf(root, (lambda: captured).__closure__),
        plain,
        # Read before its instance, so that its entries have names when the instance is found.
        dicted.__dict__,
        dicted,
        weakref.ref(weak),
        weak,
    ]
    module = sys.modules[MODULE] = types.ModuleType(MODULE)
    module.root = root  # type: ignore[attr-defined]
    module.grown = []  # type: ignore[attr-defined]
    return root


def walks() -> dict[str, object]:
    """The output of each kind of walk for the graph."""
    plant()
    contents = Contents(level=ContentLevel.VALUES, limit=9)
    messages, _ = capture.snapshot(contents)
    return {
        "messages": messages,
        "census": census(),
        "growth": growth(),
        "referrers": referrers(),
    }


def census() -> list[tuple[str, int, int, int, bool]]:
    taken = take_census(options=CensusOptions(lifetime_limit=PATIENCE))
    return [
        (row.type_name, row.count, row.total_size, row.extra_size, row.size_estimated)
        for row in sorted(taken.types, key=lambda row: row.type_name)
        if row.type_name.startswith(f"{__name__}.")
    ]


def growth() -> list[tuple[str, int, int, int, int, int, int]]:
    """Path, count, size and length, and the same of the sample before."""
    sampler = PathSampler(CensusOptions(lifetime_limit=PATIENCE))
    sampler.take()
    module = sys.modules[MODULE]
    for number in range(3):
        module.grown.append(leaf(module.root, [float(number)]))
    module.root.items[3].value.extend(map(float, range(4)))
    sample = sampler.take()
    return sorted(
        (
            text,
            each.count, each.size, each.length,
            each.count_before, each.size_before, each.length_before,
        )
        for each in sample.paths.changes
        if (text := folded_path(sample.names, each.node)).startswith(MODULE)
    )  # fmt: skip


def referrers() -> list[list[dict[str, object]]]:
    """The steps of each path."""
    found = find_referrers(
        f"{__name__}.Weak", ReferrerOptions(time_limit=PATIENCE, lifetime_limit=PATIENCE)
    )
    ways = []
    for step in found.ways:
        steps = [plain(step)]
        before = step.before
        while before:
            steps.append(plain(found.steps[before]))
            before = found.steps[before].before
        ways.append(steps[::-1])
    return ways


def plain(step: Step) -> dict[str, object]:
    return asdict(step) | {"what": step.what.name}
