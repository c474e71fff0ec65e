"""Decide which objects of two snapshots of a process are the same.

An id stands for an address, and another object may reuse an address once its object is
gone. So a pair with one id counts as one object unless there is proof against it:
something changed that cannot change.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ops_client.heap_graph import _algorithms
from ops_client.heap_graph.model import HeapGraph, type_name
from ops_service.v1 import heap_graph_pb2 as pb

# Objects of these types never change their size.
_FIXED_SIZE = {"bytes", "int", "float", "complex", "bool", "tuple", "frozenset", "range"}
# A str that is not ASCII caches its UTF-8 form on first use. There a character has at
# least two bytes, a zero byte follows, and the form is at most twice as long as the rest.
_LEAST_UTF8 = 3
# Objects of these types refer to the same objects all their life, and keep them alive.
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
"""Result of ``find_paths`` for an object that it did not reach, and for a root."""

Rows = NDArray[np.int64]
Marks = NDArray[np.bool_]


def pair_objects(before: HeapGraph, after: HeapGraph) -> tuple[Rows, Rows, Marks]:
    """Pair objects by id, and mark the pairs that are the same object.

    These prove that a pair is not the same: another type; another size or other contents
    of an immutable object; another allocation line; other references of an object with
    fixed references; a fixed reference to an object that was replaced. Without proof, an
    equal-looking object at the same address counts as the same.

    Returns:
        Indexes in the first snapshot, indexes in the second, and marks, pair by pair.
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
    # References lack the objects beyond a cut.
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
    """Mark pairs with known but different allocation lines."""
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
    """Return each entry's place in its run, for consecutive runs of these lengths."""
    return np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _drop_other_contents(
    before: HeapGraph, after: HeapGraph, old: Rows, new: Rows, same: Marks
) -> None:
    """Unmark pairs with different contents, if both snapshots include the contents."""
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
    """Unmark pairs that refer to other objects than before, or to replaced ones.

    Args:
        rows: Places of the pairs with fixed references.
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

    # An object keeps its references alive. So the holder of a replaced object was
    # replaced too, and likewise that holder's holder.
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
