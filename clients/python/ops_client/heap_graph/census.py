"""Counts of a heap graph by type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ops_client.heap_graph.model import HeapGraph, type_name


@dataclass(frozen=True, slots=True)
class TypeCount:
    """Objects of one type."""

    type_index: int
    type_name: str
    count: int
    size: int
    """Bytes, both columns of sizes."""
    size_estimated: bool


def count_types(graph: HeapGraph) -> list[TypeCount]:
    """Count objects and bytes by type, the largest first. Types of one name stay apart."""
    kinds, many = graph.type_indexes, len(graph.types)
    counts = np.bincount(kinds, minlength=many)
    own = (graph.sizes + graph.extra_sizes).astype(np.float64)
    sizes = np.bincount(kinds, weights=own, minlength=many)
    return [
        TypeCount(
            place,
            type_name(graph.types[place]),
            int(counts[place]),
            int(sizes[place]),
            graph.types[place].size_estimated,
        )
        for place in np.argsort(-sizes, kind="stable").tolist()
        if counts[place]
    ]
