"""Objects in both snapshots that hold what changed between the two."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ops_client._path_words import SEVERAL_HOLDERS
from ops_client.heap_graph.difference import Difference
from ops_client.heap_graph.dominators import DominatorTree
from ops_client.heap_graph.model import HeapGraph
from ops_client.heap_graph.paths import PathFinder
from ops_service.v1 import heap_graph_pb2 as pb


@dataclass(frozen=True, slots=True)
class Holder:
    """An object in both snapshots, and what changed below it. Sizes in bytes."""

    object_index: int | None
    """Index in the second snapshot. None for what several holders share, and for a root
    that only the first has, such as a frame that has returned."""
    type_name: str
    count: int
    """New objects that it dominates, without another object of both snapshots between."""
    size: int
    freed_count: int
    """Objects of the first snapshot that it dominated in that way and that are gone."""
    freed_size: int
    growth: int
    """Growth of the object itself; negative if it shrank."""
    path: str

    @property
    def net_size(self) -> int:
        """Net increase in bytes of the object and what it holds."""
        return self.size - self.freed_size + self.growth


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of the marked objects, per closest dominator that is not marked."""

    counts: NDArray[np.int64]
    sizes: NDArray[np.int64]


def find_holders(
    difference: Difference,
    before: DominatorTree,
    after: DominatorTree,
    paths: PathFinder,
    limit: int = 20,
) -> list[Holder]:
    """Find the objects in both snapshots that hold what is new, was freed or grew.

    Sorted by the bytes that were added or freed, whichever is more. Scans all objects of
    both snapshots.

    Args:
        difference: Difference of the two snapshots.
        before: Dominator tree of the first.
        after: Dominator tree of the second.
        paths: Path finder of the second.
        limit: Maximum number of holders to list.
    """
    many, few = after.graph.object_count, before.graph.object_count
    fresh = _by_holder(after, difference.is_new)
    gone = _by_holder(before, difference.is_freed)
    # Rows: objects of the second snapshot, then one for what several holders share, then
    # objects that only the first snapshot has.
    rows = np.full(few + 1, -1, np.int64)
    rows[difference.kept_before] = difference.kept_after
    rows[few] = many
    _pair_roots(before.graph, after.graph, rows)
    lost = np.flatnonzero((rows < 0) & (gone.counts > 0))
    rows[lost] = many + 1 + np.arange(len(lost))

    counts, sizes, freed_counts, freed_sizes, growth = np.zeros((5, many + 1 + len(lost)), np.int64)
    counts[: many + 1], sizes[: many + 1] = fresh.counts, fresh.sizes
    holding = np.flatnonzero(gone.counts)
    freed_counts[rows[holding]] = gone.counts[holding]
    freed_sizes[rows[holding]] = gone.sizes[holding]
    growth[difference.kept_after] = difference.growth

    weights = np.maximum(sizes + np.maximum(growth, 0), freed_sizes + np.maximum(-growth, 0))
    chosen = np.argsort(-weights, kind="stable")[:limit]
    chosen = chosen[weights[chosen] > 0]
    names = _Names(before.graph, lost, many, paths)
    found = []
    for row in chosen.tolist():
        index, label, path = names[row]
        found.append(
            Holder(
                object_index=index,
                type_name=label,
                count=int(counts[row]),
                size=int(sizes[row]),
                freed_count=int(freed_counts[row]),
                freed_size=int(freed_sizes[row]),
                growth=int(growth[row]),
                path=path,
            )
        )
    return found


class _Names:
    """Index, type and path of each row, as ``find_holders`` numbers them."""

    def __init__(
        self, before: HeapGraph, lost: NDArray[np.int64], many: int, paths: PathFinder
    ) -> None:
        """Prepare the names.

        Args:
            before: The first snapshot.
            lost: Objects that only the first snapshot has.
            many: Number of objects of the second.
            paths: Path finder of the second.
        """
        self._before = before
        self._lost = lost
        self._many = many
        self._paths = paths

    @cached_property
    def _earlier(self) -> PathFinder:
        return PathFinder(self._before)

    def __getitem__(self, row: int) -> tuple[int | None, str, str]:
        if row < self._many:
            return row, self._paths.label(row), self._paths.text(self._paths.to(row))
        if row == self._many:
            return None, "roots", SEVERAL_HOLDERS
        root = int(self._lost[row - self._many - 1])
        return None, self._earlier.label(root), self._earlier.text(self._earlier.to(root))


def _by_holder(tree: DominatorTree, is_marked: NDArray[np.bool_]) -> _Sums:
    graph, count = tree.graph, tree.graph.object_count
    # Go up the tree in steps that double in length.
    above = np.append(np.where(is_marked, tree.immediate, np.arange(count)), count)
    while not np.array_equal(further := above[above], above):
        above = further
    members = np.flatnonzero(is_marked)
    holders = above[members]
    weights = (graph.sizes[members] + graph.extra_sizes[members]).astype(np.float64)
    sizes = np.bincount(holders, weights=weights, minlength=count + 1).astype(np.int64)
    return _Sums(np.bincount(holders, minlength=count + 1), sizes)


def _pair_roots(before: HeapGraph, after: HeapGraph, rows: NDArray[np.int64]) -> None:
    """Pair roots by meaning, because they have no address."""
    theirs = {_meaning(root): root.object_index for root in after.roots}
    for root in before.roots:
        if root.kind != pb.HEAP_ROOT_KIND_FRAME:
            rows[root.object_index] = theirs.get(_meaning(root), -1)


def _meaning(root: pb.HeapRoot) -> tuple[int, str, int]:
    return root.kind, root.name, root.thread_id
