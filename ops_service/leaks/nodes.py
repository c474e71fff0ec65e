"""Nodes of one history, by number: their places, and their values over time."""

from __future__ import annotations

from collections.abc import Sequence

from ops_service.heap.path_text import FOLDED, folded_path, root_text
from ops_service.heap.paths import FIRST_NODE, PathNames, PathNode, Root, root_of, steps_to
from ops_service.leaks.folding import FoldedNames, types_below
from ops_service.leaks.series import SIZE, NodeSeries


class GrowthNodes:
    """Nodes of the table of paths, and folded nodes that stand for several of them."""

    def __init__(self, history: NodeSeries, names: PathNames, folded: FoldedNames) -> None:
        self.history = history
        self._names = names
        self._folded = folded
        self._series: dict[tuple[int, int], Sequence[int]] = {}

    def __getitem__(self, number: int) -> PathNode:
        return self._folded.nodes.get(number) or self._names[number]

    def is_folded(self, number: int) -> bool:
        """Whether a node stands for several."""
        return number in self._folded.nodes

    def members(self, number: int) -> list[int]:
        """The nodes that a node stands for; itself unless it is folded."""
        return self._folded.members.get(number, [number])

    def root(self, number: int) -> Root:
        """The root at which a node's path begins."""
        return root_of(self, number)

    def steps(self, number: int) -> list[int]:
        """Numbers of the nodes on the path, from the first after the root to this one."""
        return steps_to(self, number)

    def text(self, number: int) -> str:
        """The path of a node as reports print it."""
        if node := self._folded.nodes.get(number):
            return f"{self.text(node.parent)}.{FOLDED} ({node.type_name})"
        if number < FIRST_NODE:
            return root_text(Root(number)) or "sys.modules"
        return folded_path(self._names, number)

    def values(self, number: int, column: int) -> Sequence[int]:
        """Value at each sample. A folded node has the sum of its members."""
        key = (number, column)
        if key not in self._series:
            members = self.members(number)
            if column == SIZE:
                members = [*members, *self._folded.below.get(number, ())]
            found = [member for member in members if member in self.history]
            self._series[key] = self.history.summed(found, column)
        return self._series[key]

    def rise(self, number: int, column: int) -> int:
        """Growth from the first to the latest sample."""
        values = self.values(number, column)
        return values[-1] - values[0]

    def types_below(self, number: int) -> list[tuple[str, int]]:
        """Types and bytes of the new nodes below the names that a node stands for."""
        return types_below(self._folded, number, self.history, self._names)

    def sites(self, number: int) -> list[str]:
        """Allocation sites of a node's newest objects, one for each member; "" if unknown."""
        return [self._names.site(member) for member in self.members(number)]
