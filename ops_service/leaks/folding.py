"""Folds an ever-growing namespace, which has a node for each name, into one node."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ops_service.heap.paths import PathNames, PathNode
from ops_service.leaks.series import SIZE, NodeSeries

_MIN_NEW_NAMES = 5
# Above all node numbers of the table of paths, which are positive and far smaller.
_FIRST_NUMBER = 1 << 40


@dataclass(frozen=True, slots=True)
class FoldedNames:
    """Nodes that each stand for all new names of one kind in one place, by own numbers."""

    nodes: dict[int, PathNode] = field(default_factory=dict)
    members: dict[int, list[int]] = field(default_factory=dict)
    """The nodes that each of them stands for."""
    below: dict[int, list[int]] = field(default_factory=dict)
    """New nodes on paths that continue from those members."""

    def covered(self) -> set[int]:
        """Every node that a folded node stands for."""
        return {member for members in self.members.values() for member in members}


def fold_new_names(history: NodeSeries, names: PathNames, changes: int) -> FoldedNames:
    """Fold the names of each place that keeps getting new names.

    Args:
        changes: Minimum number of samples at which the names changed. Nodes from an import
            appear at only a few samples.
    """
    new = sorted(number for number in history.new() if number in names)
    named: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    for number in new:
        node = names[number]
        if node.name:
            named[node.parent, node.kind, node.type_name].append(number)
    folded = FoldedNames()
    for (parent, kind, type_name), found in named.items():
        if len(found) >= _MIN_NEW_NAMES and _came_often(history, found, changes):
            number = _FIRST_NUMBER + len(folded.nodes)
            folded.nodes[number] = PathNode(parent, kind, "", type_name)
            folded.members[number] = found
    if folded.nodes:
        _add_those_past_the_bound(folded, history, names)
        _find_below(folded, new, names)
    return folded


def types_below(
    folded: FoldedNames, number: int, history: NodeSeries, names: PathNames
) -> list[tuple[str, int]]:
    """Types and bytes of the new nodes below the names that a node stands for."""
    sizes: dict[str, int] = defaultdict(int)
    for each in folded.below.get(number, ()):
        sizes[names[each].type_name] += history.latest(each, SIZE)
    return list(sizes.items())


def _came_often(history: NodeSeries, nodes: Sequence[int], changes: int) -> bool:
    times: set[int] = set()
    for node in nodes:
        times.update(history.changed_at(node))
        # The first sample counts too.
        if len(times) > changes:
            return True
    return False


def _add_those_past_the_bound(folded: FoldedNames, history: NodeSeries, names: PathNames) -> None:
    """Add nodes without a name: the child itself folds a place with too many names."""
    places = {
        (node.parent, node.kind, node.type_name): number for number, node in folded.nodes.items()
    }
    for number in history.nodes():
        if number in names and not (node := names[number]).name:
            place = places.get((node.parent, node.kind, node.type_name))
            if place is not None:
                folded.members[place].append(number)


def _find_below(folded: FoldedNames, new: Sequence[int], names: PathNames) -> None:
    at = {member: number for number, members in folded.members.items() for member in members}
    folded.below.update((number, []) for number in folded.nodes)
    # A node's number is larger than its parent's.
    for number in new:
        if number not in at and (place := at.get(names[number].parent)) is not None:
            at[number] = place
            folded.below[place].append(number)
