"""Finds suspects: growing nodes grouped by their holder, and objects that grow in size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ops_service.heap.paths import FIRST_NODE, PathNames, Root
from ops_service.leaks.description import (
    SAME_RATE,
    SuspectGroup,
    describe_group,
    describe_object,
    is_user,
)
from ops_service.leaks.folding import FoldedNames, fold_new_names
from ops_service.leaks.nodes import GrowthNodes
from ops_service.leaks.report import Suspect
from ops_service.leaks.series import COUNT, LENGTH, SIZE, NodeSeries
from ops_service.leaks.trend import MIN_RISES, Shape, came_late, shape_of

_MIN_BYTES = 1024
"""Minimum growth of one object, in bytes."""
_MIN_BYTES_EACH = 8
"""Minimum growth of each of several objects: texts of numbers become longer by a digit."""

# Types of weak references, and of their keys.
_WATCHING = frozenset({"weakref.ReferenceType", "weakref", "int"})
_BUFFERS = frozenset({"bytes", "bytearray", "str"})
_COLLECTABLE = (Root.GARBAGE,)


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
        self._nodes = GrowthNodes(history, names, FoldedNames())
        self._candidates: Sequence[int] = ()

    def find(self) -> Found:
        """Judge every node that may grow. Costs time for each node and sample."""
        growing: set[int] = set()
        began: list[str] = []
        uneven: list[str] = []
        collectable: list[str] = []
        self._candidates = self._find_candidates()
        folded = fold_new_names(self._history, self._names, self._changes)
        self._nodes = GrowthNodes(self._history, self._names, folded)
        covered = folded.covered()
        for node in [*self._candidates, *folded.nodes]:
            if node in covered:
                continue
            root = self._nodes.root(node)
            shape = Shape.OTHER if root is Root.OWN else self._shape(node, COUNT)
            if root in _COLLECTABLE and self._collector_runs:
                if shape is not Shape.OTHER:
                    collectable.append(self._nodes[node].type_name)
            elif shape is Shape.GROWS:
                growing.add(node)
            elif shape is Shape.BEGAN:
                began.append(self._nodes.text(node))
            elif shape is Shape.UNEVEN and self._late:
                uneven.append(self._nodes.text(node))
        collectable.sort(key=lambda name: not is_user(name))
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

    # ---- what a subclass may decide differently ------------------------------------------

    def _find_candidates(self) -> Sequence[int]:
        """Nodes that changed often enough to judge their shape."""
        return self._history.changed_at_least(self._changes)

    def _shape(self, node: int, column: int, least: float = 0.0) -> Shape:
        if not self._nodes.is_folded(node):
            latest, first = (f(node, column) for f in (self._history.latest, self._history.first))
            if latest <= first:
                return Shape.OTHER
        return shape_of(self._history.times, self._nodes.values(node, column), least, self._work)

    def _suspect(self, group: SuspectGroup) -> Suspect:
        return describe_group(self._nodes, group)

    def _one_object(self, number: int) -> Suspect:
        return describe_object(self._nodes, number)

    # ---- groups ---------------------------------------------------------------------

    def _groups(self, growing: set[int]) -> dict[int, SuspectGroup]:
        groups: dict[int, SuspectGroup] = {}
        for number in sorted(growing):
            top = number
            while (parent := self._nodes[top].parent) in growing and parent != top:
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
        types = {self._nodes[top].type_name for top in group.tops}
        return types <= _WATCHING and types != {"int"}

    # ---- one object that grows ---------------------------------------------------------

    def _larger(self, growing: set[int], holders: set[int]) -> list[int]:
        """Nodes whose objects grow in size, not in count, without a growing child."""
        found = []
        accounted = set(holders)
        for holder in holders:
            # An object that gains attributes has its dict beside these nodes.
            accounted.add(holder)
            accounted.update(self._nodes.steps(holder))
        for node in self._candidates:
            if node in growing or node in accounted or node < FIRST_NODE:
                continue
            if self._nodes.root(node) in (Root.OWN, Root.OTHER, *_COLLECTABLE):
                continue
            if any(step in growing for step in self._nodes.steps(node)):
                continue
            named_dict = self._nodes[node]
            if named_dict.name == "__dict__" and named_dict.parent in accounted:
                continue
            length = self._shape(node, LENGTH)
            longer = length is Shape.GROWS
            # A container that was empty at first begins to fill; its bytes add no evidence.
            larger = length is not Shape.BEGAN and (
                self._shape(node, SIZE, self._least_bytes(node)) is Shape.GROWS
            )
            bulk = self._nodes.rise(node, SIZE) >= _MIN_BYTES
            if (longer and (bulk or self._nodes.rise(node, LENGTH) >= _MIN_BYTES // 8)) or larger:
                found.append(node)
        return [node for node in found if not self._is_buffer_of(node, found)]

    def _least_bytes(self, node: int) -> int:
        return max(_MIN_BYTES, _MIN_BYTES_EACH * self._history.latest(node, COUNT))

    def _is_buffer_of(self, number: int, growing: Sequence[int]) -> bool:
        """Whether a node is the buffer of a growing object, as in a BytesIO."""
        node = self._nodes[number]
        return (
            node.parent in growing
            and node.type_name in _BUFFERS
            and not node.name
            and self._nodes.rise(number, SIZE) >= SAME_RATE * self._nodes.rise(node.parent, SIZE)
        )
