"""Counts of a heap graph by type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ops_client.heap_graph.model import HeapGraph, type_name
from ops_client.heap_graph.roots import only_ops_service


@dataclass(frozen=True, slots=True)
class TypeCount:
    """Objects of one type."""

    type_index: int
    type_name: str
    count: int
    size: int
    """Bytes, the sum of both size columns."""
    size_estimated: bool


def count_types(graph: HeapGraph, *, include_ops_service: bool = False) -> list[TypeCount]:
    """Count objects and bytes by type, largest first. Types with equal names stay apart.

    Args:
        include_ops_service: Whether to also count what only ``ops_service`` itself holds.
    """
    kinds, many = graph.type_indexes, len(graph.types)
    full = (graph.sizes + graph.extra_sizes).astype(np.float64)
    if not include_ops_service:
        others = ~only_ops_service(graph)
        kinds, full = kinds[others], full[others]
    counts = np.bincount(kinds, minlength=many)
    sizes = np.bincount(kinds, weights=full, minlength=many)
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
