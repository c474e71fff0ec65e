"""Names without end: a namespace that grows makes a node for each name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ops_service.heap.paths import PathNames, PathNode
from ops_service.leaks.history import History

_MIN_NEW_NAMES = 5
# Numbers of the table are positive and end far below.
_FIRST_NUMBER = 1 << 40


def fold_new_names(
    history: History, names: PathNames, changes: int
) -> tuple[dict[int, PathNode], dict[int, list[int]]]:
    """Nodes that stand for all new names of one kind in one place.

    Args:
        changes: At how many samples the names have to have changed. What an import makes
            comes at a few.

    Returns:
        The nodes by a number of their own, and which nodes each stands for.
    """
    new: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    for number in history.new():
        if number in names and (node := names[number]).name:
            new[node.parent, node.kind, node.type_name].append(number)
    folded: dict[int, PathNode] = {}
    members: dict[int, list[int]] = {}
    for (parent, kind, type_name), found in new.items():
        if len(found) >= _MIN_NEW_NAMES and _came_often(history, found, changes):
            number = _FIRST_NUMBER + len(folded)
            folded[number] = PathNode(parent, kind, "", type_name)
            members[number] = found
    return folded, members


def _came_often(history: History, nodes: Sequence[int], changes: int) -> bool:
    times: set[int] = set()
    for node in nodes:
        times.update(history.changed_at(node))
        # The first sample is among them.
        if len(times) > changes:
            return True
    return False
