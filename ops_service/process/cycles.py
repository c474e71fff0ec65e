"""Cycles in a graph of waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Graph = Mapping[int, Sequence[int]]


def common_edges(earlier: Graph, later: Graph) -> dict[int, list[int]]:
    """Edges that both graphs have."""
    return {
        node: kept
        for node, targets in later.items()
        if (kept := [each for each in targets if each in earlier.get(node, ())])
    }


def find_cycles(edges: Graph, limit: int) -> list[list[int]]:
    """Find one cycle in each set of nodes that all wait for each other.

    Takes time in proportion to the edges. Does not recurse.

    Returns:
        Lists of nodes. Each node waits for the next, and the last for the first.
    """
    state: dict[int, int] = {}
    found: list[list[int]] = []
    taken: set[int] = set()
    for start in edges:
        if start in state:
            continue
        path: list[int] = []
        stack: list[tuple[int, int]] = [(start, 0)]
        while stack:
            node, turn = stack.pop()
            if turn == 0:
                state[node] = 1
                path.append(node)
            targets = edges.get(node, ())
            if turn == len(targets):
                state[node] = 2
                path.pop()
                continue
            stack.append((node, turn + 1))
            target = targets[turn]
            if target not in state:
                stack.append((target, 0))
            elif state[target] == 1:
                cycle = path[path.index(target) :]
                if taken.isdisjoint(cycle):
                    taken.update(cycle)
                    found.append(cycle)
                    if len(found) == limit:
                        return found
    return found
