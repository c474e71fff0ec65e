"""What changed between two snapshots of one process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ops_client.errors import DifferentProcesses
from ops_client.heap_graph.identity import pair_objects
from ops_client.heap_graph.model import HeapGraph, type_name
from ops_client.heap_graph.paths import PathFinder
from ops_client.heap_graph.roots import only_ops_service


@dataclass(frozen=True, slots=True)
class TypeChange:
    """One type in both snapshots."""

    type_name: str
    count_before: int
    count_after: int
    size_before: int
    size_after: int
    new: int
    """Objects only in the second snapshot; a lower bound."""
    freed: int
    """Objects only in the first snapshot; a lower bound."""
    grown: int
    """Objects in both that are larger in the second."""
    growth: int
    """Bytes by which the grown objects are larger."""


@dataclass(frozen=True, slots=True)
class Grown:
    """An object in both snapshots that is larger in the second."""

    object_index: int
    """Index in the second snapshot."""
    id: int
    type_name: str
    size_before: int
    size_after: int
    path: str


@dataclass(frozen=True)
class Difference:
    """The changes. Arrays cover all objects, lists only the most important ones."""

    is_new: NDArray[np.bool_]
    """Per object of the second snapshot."""
    is_freed: NDArray[np.bool_]
    """Per object of the first snapshot."""
    kept_before: NDArray[np.int64]
    """Objects in both, as indexes in the first snapshot."""
    kept_after: NDArray[np.int64]
    """The same objects in the same order, as indexes in the second snapshot."""
    growth: NDArray[np.int64]
    """Bytes by which each of these objects is larger in the second."""
    readdressed: int
    """Objects that reuse the address of one that is gone. They count as new."""
    types: list[TypeChange]
    """Types that changed, largest growth in bytes first."""
    grown: list[Grown]
    """Grown objects, largest growth in bytes first."""


def compare(
    before: HeapGraph,
    after: HeapGraph,
    paths: PathFinder,
    limit: int = 20,
    *,
    include_ops_service: bool = False,
) -> Difference:
    """Compare two snapshots of one process.

    Two objects count as the same if they have the same id, and nothing proves that one
    replaced the other (``identity.py`` has the proofs). An equal-looking object may
    still have reused an address, so new and freed are lower bounds. Counts and sizes
    by type are exact.

    Args:
        before: The first snapshot.
        after: The second snapshot.
        paths: Path finder of the second.
        limit: Maximum number of grown objects to list.
        include_ops_service: Whether to also compare what only ``ops_service`` itself holds.

    Raises:
        DifferentProcesses: The snapshots come from different processes.
    """
    _check_same_process(before, after)
    counted_before, counted_after = (
        np.ones(graph.object_count, bool) if include_ops_service else ~only_ops_service(graph)
        for graph in (before, after)
    )
    old, new, same = pair_objects(before, after)
    readdressed = int((~same & counted_after[new]).sum())
    old, new = old[same], new[same]
    is_new, is_freed = np.ones(after.object_count, bool), np.ones(before.object_count, bool)
    is_new[new] = is_freed[old] = False
    # Synthetic nodes have no address: nobody allocated them.
    is_new &= after.ids != 0
    is_freed &= before.ids != 0
    is_new &= counted_after
    is_freed &= counted_before
    counted = counted_before[old] & counted_after[new]
    old, new = old[counted], new[counted]
    sizes_before, sizes_after = _bytes(before, old), _bytes(after, new)
    growth = sizes_after - sizes_before
    grown = _grown_most(after, new, sizes_before, sizes_after, paths, limit)
    larger = growth > 0
    rows: dict[str, list[int]] = {}
    _count_sides(rows, before, counted_before, is_freed, (0, 2, 5))
    _count_sides(rows, after, counted_after, is_new, (1, 3, 4))
    _count_grown(rows, after, new[larger], growth[larger])
    return Difference(is_new, is_freed, old, new, growth, readdressed, _changed_types(rows), grown)


def _check_same_process(before: HeapGraph, after: HeapGraph) -> None:
    ours, theirs = before.header.process, after.header.process
    if ours.instance_id != theirs.instance_id:
        raise DifferentProcesses(
            f"the first snapshot is of process {ours.pid} on {ours.host_name}, the second of "
            f"process {theirs.pid} on {theirs.host_name} or of a later start. Compare two of one "
            "process."
        )


def _bytes(graph: HeapGraph, objects: NDArray[np.int64]) -> NDArray[np.int64]:
    return (graph.sizes[objects] + graph.extra_sizes[objects]).astype(np.int64)


def _grown_most(
    after: HeapGraph,
    objects: NDArray[np.int64],
    sizes_before: NDArray[np.int64],
    sizes_after: NDArray[np.int64],
    paths: PathFinder,
    limit: int,
) -> list[Grown]:
    """Describe those of the objects that grew most, largest growth first."""
    growth = sizes_after - sizes_before
    chosen = np.argsort(-growth, kind="stable")[:limit]
    return [
        Grown(
            int(objects[place]),
            int(after.ids[objects[place]]),
            type_name(after.types[after.type_indexes[objects[place]]]),
            int(sizes_before[place]),
            int(sizes_after[place]),
            paths.text(paths.to(int(objects[place]))),
        )
        for place in chosen.tolist()
        if growth[place] > 0
    ]


def _count_sides(
    rows: dict[str, list[int]],
    graph: HeapGraph,
    is_counted: NDArray[np.bool_],
    is_marked: NDArray[np.bool_],
    places: tuple[int, int, int],
) -> None:
    """Add counts, bytes and marked objects of one snapshot to its types' rows."""
    kinds, many = graph.type_indexes[is_counted], len(graph.types)
    full = (graph.sizes + graph.extra_sizes).astype(np.float64)[is_counted]
    columns = (
        np.bincount(kinds, minlength=many),
        np.bincount(kinds, weights=full, minlength=many),
        np.bincount(graph.type_indexes[is_marked], minlength=many),
    )
    for number, each in enumerate(graph.types):
        row = rows.setdefault(type_name(each), [0] * 8)
        for place, column in zip(places, columns, strict=True):
            row[place] += int(column[number])


def _count_grown(
    rows: dict[str, list[int]],
    after: HeapGraph,
    grown: NDArray[np.int64],
    growth: NDArray[np.int64],
) -> None:
    kinds, many = after.type_indexes[grown], len(after.types)
    counts = np.bincount(kinds, minlength=many)
    sizes = np.bincount(kinds, weights=growth, minlength=many)
    for number in np.flatnonzero(counts).tolist():
        row = rows[type_name(after.types[number])]
        row[6] += int(counts[number])
        row[7] += int(sizes[number])


def _changed_types(rows: dict[str, list[int]]) -> list[TypeChange]:
    changes = [TypeChange(name, *row) for name, row in rows.items()]
    changed = [
        each
        for each in changes
        if each.new or each.freed or each.grown or each.size_after != each.size_before
    ]
    return sorted(changed, key=lambda each: each.size_before - each.size_after)
