"""Duplicate strings of a heap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ops_client.heap_graph.model import HeapGraph, type_name
from ops_client.heap_graph.roots import only_ops_service


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Equal strings in separate objects."""

    type_name: str
    count: int
    size: int
    """Bytes of one of them."""
    wasted_size: int
    """Bytes of all but one."""
    object_index: int
    """One of them."""
    text: str | None
    """The text, if the snapshot includes contents."""
    literal: str | None
    """The text as a Python literal."""


def find_duplicates(
    graph: HeapGraph, limit: int = 20, *, include_ops_service: bool = False
) -> tuple[list[Duplicate], int]:
    """Find equal str and bytes objects by their hashes, most wasteful first.

    Empty unless the snapshot hashes strings (``graph.string_hashes``).

    Args:
        graph: The heap.
        limit: Maximum number of duplicates to list.
        include_ops_service: Whether to also count what only ``ops_service`` itself holds.

    Returns:
        The most wasteful duplicates, and the bytes that all duplicates waste.
    """
    objects, hashes = graph.string_hashes.objects, graph.string_hashes.hashes
    if not include_ops_service and len(objects):
        others = ~only_ops_service(graph)[objects]
        objects, hashes = objects[others], hashes[others]
    if not len(objects):
        return [], 0
    # A str and a bytes object with equal text are not duplicates.
    keys = np.empty(len(objects), [("hash", np.uint64), ("type", np.uint32)])
    keys["hash"], keys["type"] = hashes, graph.type_indexes[objects]
    order = np.argsort(keys, order=("hash", "type"), kind="stable")
    ordered = keys[order]
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    counts = np.diff(np.append(begins, len(order)))
    firsts = objects[order[begins]]
    sizes = graph.sizes[firsts] + graph.extra_sizes[firsts]
    wasted = sizes * (counts - 1).astype(np.uint64)
    chosen = np.argsort(wasted, kind="stable")[::-1][:limit]
    contents = [graph.contents.of(each) for each in firsts[chosen].tolist()]
    found = [
        Duplicate(
            type_name(graph.types[graph.type_indexes[firsts[place]]]),
            int(counts[place]),
            int(sizes[place]),
            int(wasted[place]),
            int(firsts[place]),
            content.text() if content is not None else None,
            content.literal() if content is not None else None,
        )
        for place, content in zip(chosen.tolist(), contents, strict=True)
        if counts[place] > 1
    ]
    return found, int(wasted.sum())
