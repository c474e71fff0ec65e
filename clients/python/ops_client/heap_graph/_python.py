"""The native module's functions in Python: same results, about a hundred times slower.

Each function fills arrays of its caller, like its namesake in ``_native``.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_service.v1 import heap_graph_pb2

_NO_EDGE = 2**32 - 1

_Array = NDArray[Any]


def dominate(
    edge_starts: _Array,
    edge_targets: _Array,
    edge_kinds: _Array,
    roots: _Array,
    dominators: _Array,
    order: _Array,
) -> None:
    """Find immediate dominators. ``_native/dominators.c`` explains the algorithm."""
    count = len(dominators)
    targets = _strong_targets(edge_starts, edge_targets, edge_kinds)
    # Numbers from 1; 0 is the root above all roots.
    numbers, parents, objects = [0] * count, [0], [count]
    for root in (*roots.tolist(), *range(count)):
        stack = [(root, 0)]
        while stack:
            each, parent = stack.pop()
            if not numbers[each]:
                numbers[each] = len(objects)
                objects.append(each)
                parents.append(parent)
                stack += [(target, numbers[each]) for target in reversed(targets[each])]
    predecessors: list[list[int]] = [[] for _ in range(count + 1)]
    for source in range(count):
        for target in targets[source]:
            predecessors[numbers[target]].append(numbers[source])
    for root in roots.tolist():
        predecessors[numbers[root]].append(0)
    semi = parents.copy()
    ancestors, least = parents.copy(), list(range(count + 1))
    for number in range(count, 0, -1):
        for each in predecessors[number]:
            semi[number] = min(semi[number], _least(each, number, ancestors, least))
        least[number] = semi[number]
    immediate = parents
    for number in range(1, count + 1):
        while immediate[number] > semi[number]:
            immediate[number] = immediate[immediate[number]]
    order[:] = objects[1:]
    dominators[order] = [objects[above] for above in immediate[1:]]


def _least(vertex: int, last: int, ancestors: list[int], least: list[int]) -> int:
    path = []
    while ancestors[vertex] > last:
        path.append(vertex)
        vertex = ancestors[vertex]
    best = least[vertex]
    for each in reversed(path):
        ancestors[each] = ancestors[vertex]
        best = least[each] = min(best, least[each])
    return best


def retain(dominators: _Array, order: _Array, sizes: _Array) -> None:
    """Turn sizes into retained sizes."""
    count = len(sizes)
    above, sums = dominators.tolist(), [*sizes.tolist(), 0]
    for each in reversed(order.tolist()):
        sums[above[each]] += sums[each]
    sizes[:] = sums[:count]


def retain_by_type(
    dominators: _Array, order: _Array, retained: _Array, types: _Array, sums: _Array
) -> None:
    """Sum, by type, the objects that no other object of the type dominates."""
    count = len(dominators)
    above, kinds, sizes = dominators.tolist(), types.tolist(), retained.tolist()
    children: list[list[int]] = [[] for _ in range(count + 1)]
    for each in order.tolist():
        children[above[each]].append(each)
    found, open_objects = [0] * len(sums), [0] * len(sums)
    stack = list(children[count])
    while stack:
        each = stack.pop()
        if each < 0:
            open_objects[kinds[~each]] -= 1
            continue
        if not open_objects[kinds[each]]:
            found[kinds[each]] += sizes[each]
        open_objects[kinds[each]] += 1
        stack.append(~each)
        stack += children[each]
    sums[:] = found


def find_paths(
    edge_starts: _Array,
    edge_targets: _Array,
    edge_kinds: _Array,
    roots: _Array,
    group_ends: _Array,
    parent_edges: _Array,
) -> None:
    """Find the edge by which a breadth-first search reaches each object."""
    starts, targets, kinds = edge_starts.tolist(), edge_targets.tolist(), edge_kinds.tolist()
    found = [-1] * len(parent_edges)
    queue: list[int] = []
    head = begin = 0
    for end in group_ends.tolist():
        for root in roots[begin:end].tolist():
            if found[root] < 0:
                found[root] = _NO_EDGE
                queue.append(root)
        begin = end
        while head < len(queue):
            each = queue[head]
            head += 1
            for edge in range(starts[each], starts[each + 1]):
                if found[targets[edge]] < 0 and kinds[edge] != heap_graph_pb2.EDGE_KIND_WEAK:
                    found[targets[edge]] = edge
                    queue.append(targets[edge])
    parent_edges[:] = [edge if edge >= 0 else _NO_EDGE for edge in found]


def _strong_targets(
    edge_starts: _Array, edge_targets: _Array, edge_kinds: _Array
) -> list[list[int]]:
    is_strong = edge_kinds != heap_graph_pb2.EDGE_KIND_WEAK
    ends = np.concatenate([[0], np.cumsum(is_strong)])[edge_starts].tolist()
    strong = edge_targets[is_strong].tolist()
    return [strong[first:last] for first, last in pairwise(ends)]


def decimals(numbers: _Array) -> bytes:
    """Write numbers of 32 bits as text, with commas between."""
    return ",".join(map(str, numbers.tolist())).encode()
