"""Describes a suspect: the type to name, its holder, its rates and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ops_service.heap.path_text import FOLDED
from ops_service.heap.paths import FIRST_NODE, EdgeKind, PathNode, Root
from ops_service.leaks.nodes import GrowthNodes
from ops_service.leaks.report import Holder, PathStep, PerMinute, Suspect
from ops_service.leaks.series import COUNT, LENGTH, SIZE
from ops_service.leaks.survivors import survivors
from ops_service.leaks.trend import theil_sen_rate

_MINUTE = 60.0
_MAX_ALSO = 12
_MAX_SITES = 5

# Types that wrap one item each. The item says more than its wrapper.
_WRAPPERS = frozenset(
    {
        *("tuple", "list", "dict", "set", "frozenset", "slice", "mappingproxy"),
        *("cell", "method", "function", "frame", "traceback"),
        *("builtin_function_or_method", "method-wrapper"),
        *("collections.deque", "collections.OrderedDict", "collections.defaultdict"),
        *("functools.partial", "functools._lru_list_elem", "functools._HashedSeq"),
        *("weakref.ReferenceType", "weakref.KeyedRef", "weakref.WeakMethod"),
        *("weakref.finalize", "weakref.finalize._Info"),
        *("asyncio.events.Handle", "asyncio.events.TimerHandle"),
        *("_contextvars.Context", "hamt", "hamt_bitmap_node", "hamt_array_node"),
    }
)
SAME_RATE = 0.8
"""From this share of the wrapper's growth on, the wrapped objects grow as fast."""


@dataclass(slots=True)
class SuspectGroup:
    """Growing nodes below one holder."""

    holder: int
    tops: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)
    """The tops, and every growing node below them."""


def describe_group(nodes: GrowthNodes, group: SuspectGroup) -> Suspect:
    """A type that grows in count, with the types that grow along with it."""
    number = most_telling(nodes, group)
    sizes = [
        sum(column)
        for column in zip(*(nodes.values(each, SIZE) for each in group.below), strict=True)
    ]
    counts = nodes.values(number, COUNT)
    others = sorted(group.below, key=lambda each: -nodes.rise(each, SIZE))
    type_name = nodes[number].type_name
    came_along = [pair for each in group.below for pair in nodes.types_below(each)]
    also = dict.fromkeys(
        (
            *(nodes[each].type_name for each in others if each != number),
            *(name for name, _ in sorted(came_along, key=lambda pair: -pair[1])),
        )
    )
    also.pop(type_name, None)
    holder = _holder(nodes, group.holder)
    begin = nodes[group.tops[0]]
    if group.holder < FIRST_NODE and begin.name:
        # The root's name for it, such as atexit.
        holder = replace(holder, text=f"{holder.text} -> {begin.name}")
    rate = _per_minute(nodes, counts)
    return Suspect(
        type_name=type_name,
        also=tuple(also)[:_MAX_ALSO],
        count=counts[-1],
        size=sizes[-1],
        count_per_minute=rate,
        size_per_minute=_per_minute(nodes, sizes),
        counts=tuple(counts),
        sizes=tuple(sizes),
        survivors=survivors(nodes.history.times, counts),
        holder=holder,
        sample_path=nodes.text(number),
        allocation_sites=_sites(nodes, [number, *others]),
        reason=_reason(nodes, type_name, rate.rate, counts, group.holder, holder),
    )


def describe_object(nodes: GrowthNodes, number: int) -> Suspect:
    """One object, or a fixed number of them, that grows in size."""
    node = nodes[number]
    counts, sizes = nodes.values(number, COUNT), nodes.values(number, SIZE)
    lengths = nodes.values(number, LENGTH)
    holder = _holder(nodes, number)
    grew = f"{lengths[0]:,} -> {lengths[-1]:,} elements" if lengths[-1] > lengths[0] else ""
    grew = grew or f"{sizes[0]:,} -> {sizes[-1]:,} bytes"
    return Suspect(
        type_name=node.type_name,
        also=(),
        count=counts[-1],
        size=sizes[-1],
        count_per_minute=_per_minute(nodes, counts),
        size_per_minute=_per_minute(nodes, sizes),
        counts=tuple(counts),
        sizes=tuple(sizes),
        survivors=survivors(nodes.history.times, counts),
        holder=holder,
        sample_path=nodes.text(number),
        allocation_sites=_sites(nodes, [number]),
        reason=f"One {node.type_name} grows in size, not in count: {grew}, at {holder.text}.",
    )


def most_telling(nodes: GrowthNodes, group: SuspectGroup) -> int:
    """The node to name: the user's class before the objects that grow with it."""

    def retained(top: int) -> int:
        return sum(
            nodes.rise(each, SIZE)
            for each in group.below
            if each == top or top in nodes.steps(each)
        )

    tops = sorted(group.tops, key=lambda top: (-retained(top), top))
    best = tops[0]
    for top in tops[1:]:
        better = is_user(nodes[top].type_name) and not is_user(nodes[best].type_name)
        if better and nodes.rise(top, COUNT) >= SAME_RATE * nodes.rise(best, COUNT):
            best = top
            break
    if not _is_wrapper(nodes, best):
        return best
    wrapped = [
        each
        for each in group.below
        if each != best
        and is_user(nodes[each].type_name)
        and not _is_wrapper(nodes, each)
        and nodes.rise(each, COUNT) >= SAME_RATE * nodes.rise(best, COUNT)
    ]
    wrapped.sort(key=lambda each: (len(nodes.steps(each)), -nodes.rise(each, SIZE)))
    return wrapped[0] if wrapped else best


def _reason(
    nodes: GrowthNodes,
    type_name: str,
    rate: float,
    counts: Sequence[int],
    holder: int,
    held: Holder,
) -> str:
    grew = f"{type_name}: {counts[0]:,} -> {counts[-1]:,} ({rate:+,.0f} a minute)"
    root = nodes.root(holder)
    if root is Root.GARBAGE:
        return f"{grew}, in reference cycles, and the garbage collector is off."
    if root is Root.FROZEN_GARBAGE:
        return f"{grew}, in reference cycles that gc.freeze() hides from the collector."
    return f"{grew}, held by {held.text}."


def _is_wrapper(nodes: GrowthNodes, number: int) -> bool:
    return nodes[number].type_name in _WRAPPERS


def _sites(nodes: GrowthNodes, numbers: Sequence[int]) -> tuple[str, ...]:
    found = (site for number in numbers for site in nodes.sites(number))
    return tuple(dict.fromkeys(filter(None, found)))[:_MAX_SITES]


def _per_minute(nodes: GrowthNodes, values: Sequence[int]) -> PerMinute:
    rate = theil_sen_rate(nodes.history.times, values)
    return PerMinute(rate.slope * _MINUTE, rate.low * _MINUTE, rate.high * _MINUTE)


def _holder(nodes: GrowthNodes, number: int) -> Holder:
    root = nodes.root(number)
    steps = [nodes[step] for step in nodes.steps(number)]
    lengths: Sequence[int] = ()
    if number in nodes.history:
        lengths = nodes.values(number, LENGTH)
    owner = steps[-2].type_name if len(steps) > 1 and steps[-1].name else ""
    return Holder(
        text=nodes.text(number),
        root=root.name.lower(),
        steps=tuple(_step(each) for each in steps),
        type_name=steps[-1].type_name if steps else "",
        owner_type=owner if owner != "module" else "",
        lengths=tuple(lengths) if any(lengths) else (),
    )


def _step(node: PathNode) -> PathStep:
    elements = (EdgeKind.ELEMENT, EdgeKind.KEY, EdgeKind.VALUE)
    name = node.name or (FOLDED if node.kind in elements else "")
    return PathStep(name, node.kind, node.type_name)


def is_user(type_name: str) -> bool:
    """Whether a type belongs to a module, and is not a builtin."""
    return "." in type_name
