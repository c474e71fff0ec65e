"""Find objects and types that retain a large part of a heap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ops_client._path_words import held_by
from ops_client.heap_graph.dominators import DominatorTree
from ops_client.heap_graph.model import type_name
from ops_client.heap_graph.paths import PathFinder
from ops_service.v1 import heap_graph_pb2 as pb

SHARE = 0.1
"""Minimum share of all bytes for a suspect."""

_EXAMPLES = 200


@dataclass(frozen=True, slots=True)
class Group:
    """Objects of one type."""

    type_name: str
    count: int
    retained_size: int
    """Bytes that they retain together."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """An object in which bytes accumulate, or a type whose objects have no common holder."""

    object_index: int | None
    """None for a type."""
    type_name: str
    count: int
    """Number of objects: 1, or those of the type."""
    retained_size: int
    share: float
    """Share of all bytes, 0 to 1."""
    path: str
    """Named path from a root to the object, or the most frequent path to the type."""
    path_share: float
    """Share of the objects at the end of the path, 0 to 1; for a type, a sample estimates it."""
    contents: tuple[Group, ...]
    """Objects that the object immediately dominates by type, largest first."""

    @property
    def held(self) -> str:
        """The words before the path. They depend on ``path_share``."""
        return held_by(self.path_share)


def find_suspects(tree: DominatorTree, paths: PathFinder, share: float = SHARE) -> list[Suspect]:
    """Find where at least a share of all bytes accumulates, largest first.

    An object is a suspect if it retains that much even without its dominated objects
    that also do. So only the object where the bytes fan out counts, not every object on
    the path to it. Roots do not count. A type is a suspect if its objects retain that
    much and only the set of all roots dominates them, for example because two registries
    share them.
    """
    graph = tree.graph
    total = max(tree.total_size, 1)
    least = max(total * share, 1)
    root = graph.object_count
    big = np.flatnonzero(tree.retained_sizes >= least)
    own = tree.retained_sizes[big].astype(np.int64)
    places = {each: place for place, each in enumerate(big.tolist())}
    for each in big.tolist():
        above = places.get(int(tree.immediate[each]))
        if above is not None:
            own[above] -= int(tree.retained_sizes[each])
    synthetic = {root.object_index for root in graph.roots}
    found = [
        Suspect(
            each,
            paths.label(each),
            1,
            int(tree.retained_sizes[each]),
            int(tree.retained_sizes[each]) / total,
            paths.text(paths.to(each)),
            1.0,
            tuple(groups_below(tree, each)[:5]),
        )
        for each, rest in zip(big.tolist(), own.tolist(), strict=True)
        if rest >= least and each not in synthetic
    ]
    found += _type_suspects(tree, paths, root, least, total)
    return sorted(found, key=lambda suspect: -suspect.retained_size)


def groups_below(tree: DominatorTree, dominator: int) -> list[Group]:
    """Return the objects that an object immediately dominates, by type, largest first.

    Pass ``graph.object_count`` for objects that only the set of all roots dominates.
    """
    graph = tree.graph
    children = tree.children(dominator)
    if not len(children):
        return []
    kinds = graph.type_indexes[children]
    counts = np.bincount(kinds)
    sums = np.zeros(len(counts), np.uint64)
    np.add.at(sums, kinds, tree.retained_sizes[children])
    present = np.flatnonzero(counts)
    ordered = present[np.argsort(sums[present])[::-1]]
    return [
        Group(type_name(graph.types[kind]), int(counts[kind]), int(sums[kind]))
        for kind in ordered.tolist()
    ]


def _type_suspects(
    tree: DominatorTree, paths: PathFinder, root: int, least: float, total: int
) -> list[Suspect]:
    graph = tree.graph
    top = tree.children(root)
    retained = tree.retained_sizes[top]
    top = top[(retained > 0) & (retained < least)]
    kinds = graph.type_indexes[top]
    sums = np.zeros(len(graph.types), np.uint64)
    np.add.at(sums, kinds, tree.retained_sizes[top])
    found = []
    for kind in np.flatnonzero(sums >= least).tolist():
        if graph.types[kind].kind == pb.HEAP_TYPE_KIND_SYNTHETIC:
            continue
        members = top[kinds == kind]
        examples = members[:: max(len(members) // _EXAMPLES, 1)][:_EXAMPLES]
        path, led_to, _ = paths.holders(examples)[0]
        found.append(
            Suspect(
                None,
                type_name(graph.types[kind]),
                len(members),
                int(sums[kind]),
                int(sums[kind]) / total,
                path,
                led_to / len(examples),
                (),
            )
        )
    return found
