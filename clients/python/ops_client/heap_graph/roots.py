"""The roots of a heap, where dominators and paths begin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ops_client.heap_graph.model import HeapGraph
from ops_service.v1 import heap_graph_pb2 as pb

FLAG_ROOT = 4
FLAG_GARBAGE = 32
"""No edge reached it: it is part of a cycle that nothing outside holds."""
FLAG_ONLY_OPS_SERVICE = 64

_NAMED = (
    pb.HEAP_ROOT_KIND_MODULES,
    pb.HEAP_ROOT_KIND_THREAD,
    pb.HEAP_ROOT_KIND_OTHER_INTERPRETER,
)


def named_roots(graph: HeapGraph) -> NDArray[np.uint32]:
    """Return ``sys.modules``, the stacks of threads and other interpreters, ascending."""
    found = {root.object_index for root in graph.roots if root.kind in _NAMED}
    return np.array(sorted(found), np.uint32)


def other_roots(graph: HeapGraph) -> NDArray[np.uint32]:
    """Return the other objects that are alive without an edge that explains it, ascending.

    They do not include frames: the stack of its thread holds a frame.
    """
    is_held = np.zeros(graph.object_count, bool)
    is_held[graph.edge_targets[graph.edge_kinds != pb.EDGE_KIND_WEAK]] = True
    held_by_root = np.zeros(graph.object_count, bool)
    held_by_root[graph.edge_targets[graph.edge_kinds == pb.EDGE_KIND_ROOT]] = True
    is_root = (graph.flags & FLAG_ROOT != 0) & ~held_by_root | ~is_held
    is_root[named_roots(graph)] = False
    return np.flatnonzero(is_root).astype(np.uint32)


def all_roots(graph: HeapGraph) -> NDArray[np.uint32]:
    """Return named and other roots, in no particular order."""
    return np.concatenate([named_roots(graph), other_roots(graph)])


def only_ops_service(graph: HeapGraph) -> NDArray[np.bool_]:
    """Mark the objects that only ``ops_service`` itself holds, such as its buffers.

    Weak references to such an object count too, wherever the application keeps them:
    asyncio has one for each task, threading one for each thread.
    """
    found: NDArray[np.bool_] = graph.flags & FLAG_ONLY_OPS_SERVICE != 0
    weak = np.flatnonzero(graph.edge_kinds == pb.EDGE_KIND_WEAK)
    to_own = weak[found[graph.edge_targets[weak]]]
    found[np.searchsorted(graph.edge_starts, to_own, side="right") - 1] = True
    return found


def root_groups(graph: HeapGraph) -> list[NDArray[np.uint32]]:
    """Return groups of roots in the order in which a path should prefer them.

    First roots that an application knows by name, then the rest, and last roots that
    only ``ops_service`` itself holds.
    """
    own = np.array(
        [r.object_index for r in graph.roots if r.kind == pb.HEAP_ROOT_KIND_OPS_SERVICE],
        np.uint32,
    )
    groups: list[NDArray[np.uint32]] = []
    last = own
    for roots in (named_roots(graph), other_roots(graph)):
        is_own = (graph.flags[roots] & FLAG_ONLY_OPS_SERVICE != 0) | np.isin(roots, own)
        groups.append(roots[~is_own])
        last = np.union1d(last, roots[is_own])
    return [*groups, last]
