"""The dominator tree, reduced to a size that a person can read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_client.heap_graph.dominators import DominatorTree
from ops_client.heap_graph.model import type_name
from ops_client.heap_graph.paths import PathFinder

_MAX_OBJECTS = 2000
_MAX_LEVELS = 4
"""Maximum depth of nested groups below an object with a row."""
_SHARE = 1 / 2000
"""Minimum share of all bytes that an object or a group must retain to be shown."""


def cut_tree(tree: DominatorTree, paths: PathFinder, object_count: int) -> list[dict[str, Any]]:
    """Return the rows of a treemap, parents before children, the first for everything.

    An object that retains much has its own row, with its ``path``. Smaller objects below
    it are grouped by type, and so are the objects below those. Groups that are too small
    become "others". ``parent`` is the index of a row; ``size`` is in bytes.

    Args:
        object_count: Number of objects that have bytes in the tree.
    """
    graph, count = tree.graph, tree.graph.object_count
    shown = _choose(tree)
    ranks = np.full(count + 1, -1, np.int64)
    ranks[count] = 0
    ranks[shown] = np.arange(1, len(shown) + 1)
    rows: list[dict[str, Any]] = [
        {
            "parent": -1,
            "name": "all objects",
            "size": tree.total_size,
            "count": object_count,
        }
    ]
    for each in shown.tolist():
        rows.append(
            {
                "parent": int(ranks[tree.immediate[each]]),
                "name": paths.label(each),
                "size": int(tree.retained_sizes[each]),
                "own": int(graph.sizes[each]) + int(graph.extra_sizes[each]),
                "id": int(graph.ids[each]),
                "path": paths.text(paths.to(each)),
                "count": 1,
            }
        )
    _add_groups(rows, tree, ranks)
    return rows


def _choose(tree: DominatorTree) -> NDArray[np.uint32]:
    """Return the objects that get their own rows; the dominator of each is among them."""
    least = max(tree.total_size * _SHARE, 1)
    # In the tree's order, so that the dominator comes first among equals.
    large = tree.order[tree.retained_sizes[tree.order] >= least]
    by_size = np.argsort(
        tree.retained_sizes[large].max(initial=0) - tree.retained_sizes[large], kind="stable"
    )
    return large[by_size[:_MAX_OBJECTS]]


def _add_groups(rows: list[dict[str, Any]], tree: DominatorTree, ranks: NDArray[np.int64]) -> None:
    """Add group rows for objects without a row, by their dominator's row and their type.

    Args:
        rows: The rows so far, of objects.
        ranks: Row of each object, or -1. Set here for the members of groups.
    """
    first = 0
    for _ in range(_MAX_LEVELS):
        above = ranks[tree.immediate]
        waiting = (above >= first) & (ranks[:-1] < 0) & (tree.retained_sizes > 0)
        small = np.flatnonzero(waiting)
        if not len(small):
            return
        last = len(rows)
        members = _group(rows, tree, small, above[small] - first, first)
        ranks[small] = members
        first = last


def _group(
    rows: list[dict[str, Any]],
    tree: DominatorTree,
    small: NDArray[np.int64],
    owners: NDArray[np.int64],
    first: int,
) -> NDArray[np.int64]:
    """Add the groups of one level. Their owners are the rows from ``first`` on.

    Returns:
        The row of each object's group; -1 for other objects.
    """
    graph = tree.graph
    many, parents = len(graph.types), len(rows) - first
    keys = owners * many + graph.type_indexes[small]
    if parents * many > 1 << 25:
        found, keys = np.unique(keys, return_inverse=True)
    else:
        found = np.arange(parents * many)
    counts = np.bincount(keys, minlength=len(found))
    sizes = np.bincount(keys, weights=tree.retained_sizes[small], minlength=len(found))
    is_large = sizes >= tree.total_size * _SHARE
    places = np.full(len(found), -1, np.int64)
    large = np.flatnonzero(is_large)
    places[large] = len(rows) + np.arange(len(large))
    rows += [
        {
            "parent": first + int(found[place]) // many,
            "name": type_name(graph.types[int(found[place]) % many]),
            "size": int(sizes[place]),
            "count": int(counts[place]),
        }
        for place in large.tolist()
    ]
    rest = np.flatnonzero(~is_large & (counts > 0))
    others = found[rest] // many
    rest_counts = np.bincount(others, weights=counts[rest], minlength=parents)
    rest_sizes = np.bincount(others, weights=sizes[rest], minlength=parents)
    rows += [
        {
            "parent": first + parent,
            "name": "others",
            "size": int(rest_sizes[parent]),
            "count": int(rest_counts[parent]),
        }
        for parent in np.flatnonzero(rest_sizes).tolist()
    ]
    members: NDArray[np.int64] = places[keys]
    return members
