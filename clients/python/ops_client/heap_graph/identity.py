"""Which objects of two snapshots of a process are one and the same.

An id stands for an address, and an address is given to another object once its object
is gone. So a pair with one id is taken for one object unless something proves that it
is not: what cannot change has changed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ops_client.heap_graph import _algorithms
from ops_client.heap_graph.model import HeapGraph, type_name
from ops_service.v1 import heap_graph_pb2 as pb

# Objects of these never change their size.
_FIXED_SIZE = {"bytes", "int", "float", "complex", "bool", "tuple", "frozenset", "range"}
# A str that is not ASCII keeps its UTF-8 form once that was asked for: a character has
# at least two bytes of it, behind them stands a zero, and it is no longer than twice
# the rest.
_LEAST_UTF8 = 3
# Objects of these refer to the same objects as long as they live, and keep them alive.
_FIXED_REFERENCES = {
    "tuple", "frozenset", "method", "builtin_function_or_method", "slice", "mappingproxy",
}  # fmt: skip
_FIXED_CONTENTS = (
    pb.CONTENT_KIND_TEXT,
    pb.CONTENT_KIND_BYTES,
    pb.CONTENT_KIND_INT,
    pb.CONTENT_KIND_FLOAT,
)
_BLOCK = 1 << 16
_NOTHING = 2**32 - 1
"""What ``find_paths`` says of an object that it did not find, and of a root."""

Rows = NDArray[np.int64]
Marks = NDArray[np.bool_]


def pair_objects(before: HeapGraph, after: HeapGraph) -> tuple[Rows, Rows, Marks]:
    """Objects that share an id, which each has once, and whether they are the same.

    Proof against it are another type, another size or contents of an object that
    cannot change, another line that allocated it, other references of one whose
    references are fixed, or that such a reference leads to what was replaced. Without
    any, an equal-looking object at the same address counts as the same.

    Returns:
        Indexes in the first and in the second snapshot, place by place, and marks.
    """
    _, old, new = np.intersect1d(before.ids, after.ids, return_indices=True)
    has_id = before.ids[old] != 0
    old, new = old[has_id], new[has_id]
    same = _same_types(before, after, old, new)
    kinds = after.type_indexes[new]
    names = [type_name(each) for each in after.types]
    fixed_size = np.array([each in _FIXED_SIZE for each in names], bool)[kinds]
    growth = after.sizes[new].astype(np.int64) - before.sizes[old].astype(np.int64)
    same &= ~fixed_size | (growth == 0)
    is_text = np.array([each == "str" for each in names], bool)[kinds]
    has_utf8 = (growth >= _LEAST_UTF8) & (growth <= 2 * before.sizes[old].astype(np.int64))
    same &= ~is_text | (growth == 0) | has_utf8
    same &= ~_allocated_elsewhere(before, after, old, new)
    _drop_other_contents(before, after, old, new, same)
    # What lies beyond a cut is missing among the references.
    if not before.trailer.HasField("cut") and not after.trailer.HasField("cut"):
        fixed = np.array([each in _FIXED_REFERENCES for each in names], bool)[kinds]
        _drop_other_references(before, after, old, new, same, np.flatnonzero(same & fixed))
    return old, new, same


def _same_types(before: HeapGraph, after: HeapGraph, old: Rows, new: Rows) -> Marks:
    keys: dict[tuple[int, str], int] = {}
    first, second = (
        np.array([keys.setdefault((t.type_id, type_name(t)), len(keys)) for t in graph.types])
        for graph in (before, after)
    )
    same: Marks = first[before.type_indexes[old]] == second[after.type_indexes[new]]
    return same


def _allocated_elsewhere(before: HeapGraph, after: HeapGraph, old: Rows, new: Rows) -> Marks:
    """Objects of which both snapshots know the line that allocated them, and which differ."""
    if not len(before.site_indexes) or not len(after.site_indexes):
        return np.zeros(len(old), bool)
    keys: dict[tuple[str, int], int] = {}
    first, second = (
        np.array([keys.setdefault((s.file_name, s.line), len(keys)) for s in g.allocation_sites])
        for g in (before, after)
    )
    ours, theirs = before.site_indexes[old], after.site_indexes[new]
    found: Marks = (ours != 0) & (theirs != 0) & (first[ours] != second[theirs])
    return found


def _places_within(lengths: Rows) -> Rows:
    """For runs of these lengths, one behind another: the place of each entry in its run."""
    return np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _drop_other_contents(
    before: HeapGraph, after: HeapGraph, old: Rows, new: Rows, same: Marks
) -> None:
    """Unmark values that are others, as far as both snapshots tell them."""
    ours, theirs = before.contents, after.contents
    if not len(ours) or not len(theirs):
        return
    rows = np.flatnonzero(same)
    first = np.searchsorted(ours.objects, old[rows])
    second = np.searchsorted(theirs.objects, new[rows])
    known = (ours.objects[np.minimum(first, len(ours) - 1)] == old[rows]) & (
        theirs.objects[np.minimum(second, len(theirs) - 1)] == new[rows]
    )
    rows, first, second = rows[known], first[known], second[known]
    fixed = np.isin(ours.kinds[first], _FIXED_CONTENTS)
    rows, first, second = rows[fixed], first[fixed], second[fixed]
    differs = (ours.kinds[first] != theirs.kinds[second]) | (
        ours.lengths[first] != theirs.lengths[second]
    )
    left, right = (np.frombuffer(each.data, np.uint8) for each in (ours, theirs))
    sizes = np.minimum(ours.sizes[first], theirs.sizes[second])
    for begin in range(0, len(rows), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        lengths = sizes[block]
        within = _places_within(lengths)
        places = np.repeat(np.arange(len(lengths)), lengths)
        unequal = (
            left[ours.starts[first[block]][places] + within]
            != right[theirs.starts[second[block]][places] + within]
        )
        differs[block] |= np.bincount(places[unequal], minlength=len(lengths)) > 0
    same[rows[differs]] = False


def _drop_other_references(
    before: HeapGraph, after: HeapGraph, old: Rows, new: Rows, same: Marks, rows: Rows
) -> None:
    """Unmark objects that refer to others than before, or to what was replaced.

    Args:
        rows: Places of those whose references are fixed.
    """
    lengths = np.diff(before.edge_starts)[old[rows]]
    others = np.diff(after.edge_starts)[new[rows]]
    same[rows[lengths != others]] = False
    rows, lengths = rows[lengths == others], lengths[lengths == others]
    within = _places_within(lengths)
    edges = np.repeat(before.edge_starts[old[rows]], lengths) + within
    first = before.edge_targets[edges]
    second = after.edge_targets[np.repeat(after.edge_starts[new[rows]], lengths) + within]
    holders = np.repeat(rows, lengths)
    same[holders[before.ids[first] != after.ids[second]]] = False

    # What it holds cannot have gone while it lived: whoever holds what was replaced
    # was replaced, and whoever holds that.
    row_of = np.full(before.object_count, -1, np.int64)
    row_of[old] = np.arange(len(old))
    strong = (before.edge_kinds[edges] != pb.EDGE_KIND_WEAK) & (row_of[first] >= 0)
    targets, holders = row_of[first][strong], holders[strong]
    order = np.argsort(targets, kind="stable")
    starts = np.zeros(len(old) + 1, np.int64)
    np.cumsum(np.bincount(targets, minlength=len(old)), out=starts[1:])
    replaced = np.flatnonzero(~same).astype(np.uint32)
    reached_by = np.empty(len(old), np.uint32)
    _algorithms.find_paths(
        starts,
        holders[order].astype(np.uint32),
        np.full(len(order), pb.EDGE_KIND_ELEMENT, np.uint8),
        replaced,
        np.array([len(replaced)], np.uint64),
        reached_by,
    )
    same[reached_by != _NOTHING] = False
