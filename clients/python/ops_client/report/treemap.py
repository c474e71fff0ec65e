"""The dominator tree, cut down to what a person can look at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_client.heap_graph.dominators import DominatorTree
from ops_client.heap_graph.model import type_name
from ops_client.heap_graph.paths import PathFinder

_MAX_OBJECTS = 2000
_SHARE = 1 / 2000
"""What part of all bytes an object, or a group, must retain to be shown."""


def cut_tree(tree: DominatorTree, paths: PathFinder) -> list[dict[str, Any]]:
    """Rows of a treemap, parents before children, the first for everything.

    An object that retains much has a row of its own, ``path`` included. What lies
    below it and retains little is put together by type, and as "others" where even
    that is little. ``parent`` is the place of a row; ``size`` counts bytes.
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
            # What is left out has no bytes.
            "count": int(np.count_nonzero(tree.retained_sizes)),
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
    return rows + _groups(tree, ranks, len(shown) + 1)


def _choose(tree: DominatorTree) -> NDArray[np.uint32]:
    """Objects that get rows of their own; with each, its dominator."""
    least = max(tree.total_size * _SHARE, 1)
    # In the tree's order, so that of equal ones the dominator comes first.
    large = tree.order[tree.retained_sizes[tree.order] >= least]
    by_size = np.argsort(
        tree.retained_sizes[large].max(initial=0) - tree.retained_sizes[large], kind="stable"
    )
    return large[by_size[:_MAX_OBJECTS]]


def _groups(tree: DominatorTree, ranks: NDArray[np.int64], parents: int) -> list[dict[str, Any]]:
    graph = tree.graph
    above = ranks[tree.immediate]
    small = np.flatnonzero((above >= 0) & (ranks[:-1] < 0) & (tree.retained_sizes > 0))
    many = len(graph.types)
    keys = above[small] * many + graph.type_indexes[small]
    if parents * many > 1 << 25:
        found, keys = np.unique(keys, return_inverse=True)
    else:
        found = np.arange(parents * many)
    counts = np.bincount(keys, minlength=len(found))
    sizes = np.bincount(keys, weights=tree.retained_sizes[small], minlength=len(found))
    is_large = sizes >= tree.total_size * _SHARE
    rows = [
        {
            "parent": int(found[place]) // many,
            "name": type_name(graph.types[int(found[place]) % many]),
            "size": int(sizes[place]),
            "count": int(counts[place]),
        }
        for place in np.flatnonzero(is_large).tolist()
    ]
    rest = np.flatnonzero(~is_large & (counts > 0))
    owners = found[rest] // many
    rest_counts = np.bincount(owners, weights=counts[rest], minlength=parents)
    rest_sizes = np.bincount(owners, weights=sizes[rest], minlength=parents)
    rows += [
        {
            "parent": parent,
            "name": "others",
            "size": int(rest_sizes[parent]),
            "count": int(rest_counts[parent]),
        }
        for parent in np.flatnonzero(rest_sizes).tolist()
    ]
    return rows
