"""Finds suspects among growing nodes: the leaking type, its holder, and types with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ops_service.heap.path_text import FOLDED, folded_path, root_text
from ops_service.heap.paths import (
    FIRST_NODE,
    EdgeKind,
    PathNames,
    PathNode,
    Root,
    root_of,
    steps_to,
)
from ops_service.leaks.folding import FoldedNames, fold_new_names, types_below
from ops_service.leaks.report import Holder, PathStep, PerMinute, Suspect
from ops_service.leaks.series import COUNT, LENGTH, SIZE, NodeSeries
from ops_service.leaks.survivors import survivors
from ops_service.leaks.trend import MIN_RISES, Shape, came_late, shape_of, theil_sen_rate

_MINUTE = 60.0
_MIN_BYTES = 1024
"""Minimum growth of one object, in bytes."""
_MIN_BYTES_EACH = 8
"""Minimum growth of each of several objects: texts of numbers become longer by a digit."""
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
# Types of weak references, and of their keys.
_WATCHING = frozenset({"weakref.ReferenceType", "weakref", "int"})
_BUFFERS = frozenset({"bytes", "bytearray", "str"})
# From this share of the wrapper's growth on, the wrapped objects grow as fast.
_SAME_RATE = 0.8
_COLLECTABLE = (Root.GARBAGE,)


@dataclass(slots=True)
class SuspectGroup:
    """Growing nodes below one holder."""

    holder: int
    tops: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)
    """The tops, and every growing node below them."""


@dataclass(frozen=True, slots=True)
class Found:
    """Suspects, and growth that may become one."""

    suspects: tuple[Suspect, ...]
    began: tuple[str, ...]
    """Paths that grow steadily, but not from the beginning."""
    uneven: tuple[str, ...]
    """Paths that grow all the time at a changing rate, if samples came late."""
    collectable: tuple[str, ...]
    """Types of garbage that the next full collection frees."""


class SuspectFinder:
    """Finds suspects in one history."""

    _changes = MIN_RISES
    """Minimum number of samples at which a candidate node changed."""

    def __init__(
        self,
        history: NodeSeries,
        names: PathNames,
        *,
        collector_runs: bool,
        work: Sequence[float] = (),
    ) -> None:
        """
        Args:
            work: CPU seconds that the process had used until each sample.
        """
        self._history = history
        self._names = names
        self._collector_runs = collector_runs
        # If samples came late, the process had to wait too, and grew in between.
        self._late = came_late(history.times)
        self._work = work if self._late else ()
        self._series: dict[tuple[int, int], Sequence[int]] = {}
        self._folded = FoldedNames()
        self._nodes = _Nodes(names, {})
        self._candidates: Sequence[int] = ()

    def find(self) -> Found:
        """Judge every node that may grow. Costs time for each node and sample."""
        growing: set[int] = set()
        began: list[str] = []
        uneven: list[str] = []
        collectable: list[str] = []
        self._candidates = self._find_candidates()
        self._folded = fold_new_names(self._history, self._names, self._changes)
        self._nodes = _Nodes(self._names, self._folded.nodes)
        covered = self._folded.covered()
        for node in [*self._candidates, *self._folded.nodes]:
            if node in covered:
                continue
            root = root_of(self._nodes, node)
            shape = Shape.OTHER if root is Root.OWN else self._shape(node, COUNT)
            if root in _COLLECTABLE and self._collector_runs:
                if shape is not Shape.OTHER:
                    collectable.append(self._node(node).type_name)
            elif shape is Shape.GROWS:
                growing.add(node)
            elif shape is Shape.BEGAN:
                began.append(self._text(node))
            elif shape is Shape.UNEVEN and self._late:
                uneven.append(self._text(node))
        collectable.sort(key=lambda name: not _is_user(name))
        groups = self._groups(growing)
        suspects = []
        for group in groups.values():
            if not self._only_watches(group):
                suspects.append(self._suspect(group))
        for node in self._larger(growing, set(groups)):
            suspects.append(self._one_object(node))
        suspects.sort(key=lambda each: -each.size_per_minute.rate)
        return Found(
            tuple(suspects), tuple(began), tuple(uneven), tuple(dict.fromkeys(collectable))
        )

    # ---- nodes ---------------------------------------------------------------------

    def _find_candidates(self) -> Sequence[int]:
        """Nodes that changed often enough to judge their shape."""
        return self._history.changed_at_least(self._changes)

    def _node(self, number: int) -> PathNode:
        return self._nodes[number]

    def _text(self, number: int) -> str:
        if node := self._folded.nodes.get(number):
            return f"{self._text(node.parent)}.{FOLDED} ({node.type_name})"
        if number < FIRST_NODE:
            return root_text(Root(number)) or "sys.modules"
        return folded_path(self._names, number)

    def _values(self, node: int, column: int) -> Sequence[int]:
        key = (node, column)
        if key not in self._series:
            members = self._folded.members.get(node, [node])
            if column == SIZE:
                members = [*members, *self._folded.below.get(node, ())]
            found = [member for member in members if member in self._history]
            self._series[key] = self._history.summed(found, column)
        return self._series[key]

    def _shape(self, node: int, column: int, least: float = 0.0) -> Shape:
        if node not in self._folded.nodes:
            latest, first = (f(node, column) for f in (self._history.latest, self._history.first))
            if latest <= first:
                return Shape.OTHER
        return shape_of(self._history.times, self._values(node, column), least, self._work)

    # ---- groups ---------------------------------------------------------------------

    def _groups(self, growing: set[int]) -> dict[int, SuspectGroup]:
        groups: dict[int, SuspectGroup] = {}
        for number in sorted(growing):
            top = number
            while (parent := self._node(top).parent) in growing and parent != top:
                top = parent
            group = groups.setdefault(parent, SuspectGroup(parent))
            if top not in group.tops:
                group.tops.append(top)
            group.below.append(number)
        return groups

    def _only_watches(self, group: SuspectGroup) -> bool:
        """Whether a group is only weak references to objects elsewhere.

        A class has one in a dict of its base, a task has one in asyncio's set of tasks. If
        the objects leak, the finder reports them at their holder. If not, the references
        vanish with them.
        """
        types = {self._node(top).type_name for top in group.tops}
        return types <= _WATCHING and types != {"int"}

    def _rise(self, node: int, column: int) -> int:
        values = self._values(node, column)
        return values[-1] - values[0]

    def _suspect(self, group: SuspectGroup) -> Suspect:
        number = self._most_telling(group)
        sizes = [
            sum(column)
            for column in zip(*(self._values(each, SIZE) for each in group.below), strict=True)
        ]
        counts = self._values(number, COUNT)
        others = sorted(group.below, key=lambda each: -self._rise(each, SIZE))
        type_name = self._node(number).type_name
        came_along = [
            pair
            for each in group.below
            for pair in types_below(self._folded, each, self._history, self._names)
        ]
        also = dict.fromkeys(
            (
                *(self._node(each).type_name for each in others if each != number),
                *(name for name, _ in sorted(came_along, key=lambda pair: -pair[1])),
            )
        )
        also.pop(type_name, None)
        holder = self._holder(group.holder)
        begin = self._node(group.tops[0])
        if group.holder < FIRST_NODE and begin.name:
            # The root's name for it, such as atexit.
            holder = replace(holder, text=f"{holder.text} -> {begin.name}")
        rate = self._per_minute(counts)
        return Suspect(
            type_name=type_name,
            also=tuple(also)[:_MAX_ALSO],
            count=counts[-1],
            size=sizes[-1],
            count_per_minute=rate,
            size_per_minute=self._per_minute(sizes),
            counts=tuple(counts),
            sizes=tuple(sizes),
            survivors=survivors(self._history.times, counts),
            holder=holder,
            sample_path=self._text(number),
            allocation_sites=self._sites([number, *others]),
            reason=self._reason(type_name, rate.rate, counts, group.holder, holder),
        )

    def _reason(
        self, type_name: str, rate: float, counts: Sequence[int], holder: int, held: Holder
    ) -> str:
        grew = f"{type_name}: {counts[0]:,} -> {counts[-1]:,} ({rate:+,.0f} a minute)"
        root = root_of(self._nodes, holder)
        if root is Root.GARBAGE:
            return f"{grew}, in reference cycles, and the garbage collector is off."
        if root is Root.FROZEN_GARBAGE:
            return f"{grew}, in reference cycles that gc.freeze() hides from the collector."
        return f"{grew}, held by {held.text}."

    def _most_telling(self, group: SuspectGroup) -> int:
        """The node to name: the user's class before the objects that grow with it."""

        def retained(top: int) -> int:
            return sum(
                self._rise(each, SIZE)
                for each in group.below
                if each == top or top in steps_to(self._nodes, each)
            )

        tops = sorted(group.tops, key=lambda top: (-retained(top), top))
        best = tops[0]
        for top in tops[1:]:
            better = _is_user(self._node(top).type_name) and not _is_user(
                self._node(best).type_name
            )
            if better and self._rise(top, COUNT) >= _SAME_RATE * self._rise(best, COUNT):
                best = top
                break
        if not self._is_wrapper(best):
            return best
        wrapped = [
            each
            for each in group.below
            if each != best
            and _is_user(self._node(each).type_name)
            and not self._is_wrapper(each)
            and self._rise(each, COUNT) >= _SAME_RATE * self._rise(best, COUNT)
        ]
        wrapped.sort(key=lambda each: (len(steps_to(self._nodes, each)), -self._rise(each, SIZE)))
        return wrapped[0] if wrapped else best

    def _is_wrapper(self, number: int) -> bool:
        return self._node(number).type_name in _WRAPPERS

    # ---- one object that grows ---------------------------------------------------------

    def _larger(self, growing: set[int], holders: set[int]) -> list[int]:
        """Nodes whose objects grow in size, not in count, without a growing child."""
        found = []
        accounted = set(holders)
        for holder in holders:
            # An object that gains attributes has its dict beside these nodes.
            accounted.add(holder)
            accounted.update(steps_to(self._nodes, holder))
        for node in self._candidates:
            if node in growing or node in accounted or node < FIRST_NODE:
                continue
            if root_of(self._nodes, node) in (Root.OWN, Root.OTHER, *_COLLECTABLE):
                continue
            if any(step in growing for step in steps_to(self._nodes, node)):
                continue
            named_dict = self._node(node)
            if named_dict.name == "__dict__" and named_dict.parent in accounted:
                continue
            length = self._shape(node, LENGTH)
            longer = length is Shape.GROWS
            # A container that was empty at first begins to fill; its bytes add no evidence.
            larger = length is not Shape.BEGAN and (
                self._shape(node, SIZE, self._least_bytes(node)) is Shape.GROWS
            )
            bulk = self._rise(node, SIZE) >= _MIN_BYTES
            if (longer and (bulk or self._rise(node, LENGTH) >= _MIN_BYTES // 8)) or larger:
                found.append(node)
        return [node for node in found if not self._is_buffer_of(node, found)]

    def _least_bytes(self, node: int) -> int:
        return max(_MIN_BYTES, _MIN_BYTES_EACH * self._history.latest(node, COUNT))

    def _is_buffer_of(self, number: int, growing: Sequence[int]) -> bool:
        """Whether a node is the buffer of a growing object, as in a BytesIO."""
        node = self._node(number)
        return (
            node.parent in growing
            and node.type_name in _BUFFERS
            and not node.name
            and self._rise(number, SIZE) >= _SAME_RATE * self._rise(node.parent, SIZE)
        )

    def _one_object(self, number: int) -> Suspect:
        node = self._node(number)
        counts, sizes = self._values(number, COUNT), self._values(number, SIZE)
        lengths = self._values(number, LENGTH)
        holder = self._holder(number)
        grew = f"{lengths[0]:,} -> {lengths[-1]:,} elements" if lengths[-1] > lengths[0] else ""
        grew = grew or f"{sizes[0]:,} -> {sizes[-1]:,} bytes"
        return Suspect(
            type_name=node.type_name,
            also=(),
            count=counts[-1],
            size=sizes[-1],
            count_per_minute=self._per_minute(counts),
            size_per_minute=self._per_minute(sizes),
            counts=tuple(counts),
            sizes=tuple(sizes),
            survivors=survivors(self._history.times, counts),
            holder=holder,
            sample_path=self._text(number),
            allocation_sites=self._sites([number]),
            reason=f"One {node.type_name} grows in size, not in count: {grew}, at {holder.text}.",
        )

    # ---- parts of a suspect -------------------------------------------------------------

    def _sites(self, numbers: Sequence[int]) -> tuple[str, ...]:
        found = (
            self._names.site(member)
            for number in numbers
            for member in self._folded.members.get(number, [number])
        )
        return tuple(dict.fromkeys(filter(None, found)))[:_MAX_SITES]

    def _per_minute(self, values: Sequence[int]) -> PerMinute:
        rate = theil_sen_rate(self._history.times, values)
        return PerMinute(rate.slope * _MINUTE, rate.low * _MINUTE, rate.high * _MINUTE)

    def _holder(self, number: int) -> Holder:
        root = root_of(self._nodes, number)
        steps = [self._node(step) for step in steps_to(self._nodes, number)]
        lengths: Sequence[int] = ()
        if number in self._history:
            lengths = self._values(number, LENGTH)
        owner = steps[-2].type_name if len(steps) > 1 and steps[-1].name else ""
        return Holder(
            text=self._text(number),
            root=root.name.lower(),
            steps=tuple(_step(each) for each in steps),
            type_name=steps[-1].type_name if steps else "",
            owner_type=owner if owner != "module" else "",
            lengths=tuple(lengths) if any(lengths) else (),
        )


class _Nodes:
    """Nodes of the table of paths, and folded nodes that stand for several of them."""

    def __init__(self, names: PathNames, folded: dict[int, PathNode]) -> None:
        self._names = names
        self._folded = folded

    def __getitem__(self, number: int) -> PathNode:
        return self._folded.get(number) or self._names[number]


def _step(node: PathNode) -> PathStep:
    elements = (EdgeKind.ELEMENT, EdgeKind.KEY, EdgeKind.VALUE)
    name = node.name or (FOLDED if node.kind in elements else "")
    return PathStep(name, node.kind, node.type_name)


def _is_user(type_name: str) -> bool:
    """Whether a type belongs to a module, and is not a builtin."""
    return "." in type_name
