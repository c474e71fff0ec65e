"""Assemble the batches of a file into one graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_client.errors import CorruptHeapGraphFile
from ops_client.heap_graph.batch import Batch, Room
from ops_client.heap_graph.columns import Unsigned
from ops_client.heap_graph.content_columns import ContentColumns
from ops_client.heap_graph.contents import gather_contents, gather_hashes
from ops_client.heap_graph.edges import check_below
from ops_client.heap_graph.model import HeapGraph
from ops_client.heap_graph.plausible import check_sizes
from ops_service.v1 import heap_graph_pb2

# Up to this many entries are inserted one by one; more need a copy of the column.
_FEW = 50_000

# Number of entries to move at once.
_BLOCK = 1 << 17


class Assembly:
    """The columns of a graph. Batches are decoded into them one after the other."""

    def __init__(
        self, header: heap_graph_pb2.HeapGraphHeader, trailer: heap_graph_pb2.HeapGraphTrailer
    ) -> None:
        self._header = header
        self._trailer = trailer
        self._types: list[heap_graph_pb2.HeapType] = []
        self._names = [""]
        self._roots: list[heap_graph_pb2.HeapRoot] = []
        self._objects = 0
        self._edges = 0
        self._sites = [heap_graph_pb2.AllocationSite()]
        includes_sites = header.allocation_sites == heap_graph_pb2.ALLOCATION_SITES_INCLUDED
        self._site_indexes = np.zeros(trailer.object_count if includes_sites else 0, np.uint32)
        self._late: list[Batch] = []
        self._contents: list[ContentColumns] = []
        self._named: list[tuple[Unsigned, Unsigned, Unsigned]] = []
        self._late_edges = 0
        objects, edges = trailer.object_count, trailer.edge_count
        self._type_indexes = np.empty(objects, np.uint32)
        self._sizes = np.empty(objects, np.uint64)
        self._extra_sizes = np.zeros(objects, np.uint32)
        self._ids = np.empty(objects, np.uint32)
        self._flags = np.empty(objects, np.uint32)
        # First counts, one place to the right; at the end their running sum.
        self._edge_starts: NDArray[np.int64] = np.zeros(objects + 1, np.int64)
        self._edge_targets = np.empty(edges, np.uint32)
        self._edge_kinds = np.empty(edges, np.uint8)
        self._edge_names = np.empty(edges, np.uint32)

    def room(self) -> Room:
        """Return the place for the columns of the next batch."""
        first, first_edge = self._objects, self._edges
        return Room(
            type_indexes=self._type_indexes[first:],
            sizes=self._sizes[first:],
            extra_sizes=self._extra_sizes[first:],
            ids=self._ids[first:],
            flags=self._flags[first:],
            edge_counts=self._edge_starts[first + 1 :].view(np.uint64),
            edge_targets=self._edge_targets[first_edge:],
            edge_kinds=self._edge_kinds[first_edge:],
            edge_names=self._edge_names[first_edge:],
        )

    def counts(self) -> tuple[int, int]:
        """Return the limits for the edges of the last added batch: objects, names."""
        return len(self._sizes), len(self._names)

    def add(self, batch: Batch) -> None:
        """Check a batch that was decoded into its room, and add it."""
        first, last = self._objects, self._objects + len(batch.sizes)
        if batch.first_object_index != first:
            raise CorruptHeapGraphFile(
                f"a batch begins at object {batch.first_object_index}, after {first} objects."
            )
        if batch.continued_edge_count and first == 0:
            raise CorruptHeapGraphFile("its first batch continues an object.")
        self._types += batch.types
        self._names += batch.names
        self._roots += batch.roots
        check_below(batch.type_indexes, len(self._types), "type")
        self._sites += batch.allocation_sites
        if len(batch.site_indexes):
            if len(self._site_indexes) == 0:
                raise CorruptHeapGraphFile("it has sites that its header does not mention.")
            check_below(batch.site_indexes, len(self._sites), "site")
            self._site_indexes[first:last] = batch.site_indexes
        self._edge_starts[first] += batch.continued_edge_count
        self._objects, self._edges = last, self._edges + len(batch.edges.targets)
        if len(batch.late_sources):
            check_below(batch.late_sources, last, "object")
            check_below(batch.late_targets, len(self._sizes), "object")
            check_below(batch.late_names, len(self._names), "name")
            self._late.append(batch)
            self._late_edges += len(batch.late_sources)
            if self._edges + self._late_edges > len(self._edge_targets):
                raise CorruptHeapGraphFile("it holds more edges than its trailer counts.")

        if len(batch.named_objects):
            check_below(batch.named_objects, last, "object")
            check_below(batch.named_names, len(self._names), "name")
            self._named.append((batch.named_objects, batch.named_numbers, batch.named_names))
        contents = batch.contents
        if len(contents.objects) or len(contents.hash_objects):
            check_below(contents.objects, last, "object")
            check_below(contents.hash_objects, last, "object")
            self._contents.append(contents)

    def finish(self) -> HeapGraph:
        found = {
            "object_count": self._objects,
            "edge_count": self._edges + self._late_edges,
            "type_count": len(self._types),
            "name_count": len(self._names) - 1,
            "total_size": int(self._sizes.sum()),
        }
        for field, value in found.items():
            counted = getattr(self._trailer, field)
            if counted != value:
                raise CorruptHeapGraphFile(f"its trailer says {field} {counted}, found {value}.")
        check_sizes(self._sizes, self._extra_sizes)
        for root in self._roots:
            if root.object_index >= self._objects:
                raise CorruptHeapGraphFile("a root points past the last object.")
        late_sources = np.concatenate(
            [np.empty(0, np.int64), *(each.late_sources for each in self._late)]
        )
        np.add.at(self._edge_starts, late_sources + 1, 1)
        np.cumsum(self._edge_starts, out=self._edge_starts)
        if self._late:
            self._insert_late_edges(late_sources)
        if self._named:
            self._name_entries()
        return HeapGraph(
            header=self._header,
            trailer=self._trailer,
            types=tuple(self._types),
            names=tuple(self._names),
            roots=tuple(self._roots),
            allocation_sites=tuple(self._sites),
            type_indexes=self._type_indexes,
            sizes=self._sizes,
            extra_sizes=self._extra_sizes,
            ids=self._ids,
            flags=self._flags,
            site_indexes=self._site_indexes,
            edge_starts=self._edge_starts,
            edge_targets=self._edge_targets,
            edge_kinds=self._edge_kinds,
            edge_names=self._edge_names,
            contents=gather_contents(self._contents),
            string_hashes=gather_hashes(self._contents),
        )

    def _name_entries(self) -> None:
        """Turn entries of dicts into attributes if the dict turned out to be a namespace."""
        objects, numbers, names = (
            np.concatenate(column).astype(np.int64) for column in zip(*self._named, strict=True)
        )
        edges = self._edge_starts[objects] + 2 * numbers + 1
        if (edges >= self._edge_starts[objects + 1]).any() or (
            self._edge_kinds[edges] != heap_graph_pb2.EDGE_KIND_VALUE
        ).any():
            raise CorruptHeapGraphFile("it names an entry that the dict does not have.")
        self._edge_kinds[edges] = heap_graph_pb2.EDGE_KIND_ATTRIBUTE
        self._edge_names[edges] = names

    def _insert_late_edges(self, sources: NDArray[np.int64]) -> None:
        """Insert late edges at their places among the edges of their objects.

        The starts count them already.
        """
        order = np.argsort(sources, kind="stable")
        sources = sources[order]
        within = np.concatenate([each.late_places for each in self._late]).astype(np.int64)[order]
        # Places are positions before any insertion.
        before = np.searchsorted(sources, sources)
        behind = np.searchsorted(sources, sources, side="right")
        places = self._edge_starts[sources] - before + within
        if (places > self._edge_starts[sources + 1] - behind).any():
            raise CorruptHeapGraphFile("a late edge is placed after the edges of its object.")

        late, edges = self._late, self._edges
        for column, values in (
            (self._edge_targets, [each.late_targets for each in late]),
            (self._edge_kinds, [each.late_kinds for each in late]),
            (self._edge_names, [each.late_names for each in late]),
        ):
            _insert(column, edges, places, np.concatenate(values)[order].astype(column.dtype))


def _insert(
    column: NDArray[Any], used: int, places: NDArray[np.int64], values: NDArray[Any]
) -> None:
    """Insert values before these places of a column. It has room for them at its end."""
    if len(places) > _FEW:
        column[:] = np.insert(column[:used], places, values)
        return
    end = used
    for number in range(len(places) - 1, -1, -1):
        place = int(places[number])
        # In blocks, because NumPy makes a copy when it moves entries within an array.
        for first in range(end - _BLOCK, place - _BLOCK, -_BLOCK):
            first, last = max(first, place), first + _BLOCK
            column[first + number + 1 : last + number + 1] = column[first:last]
        column[place + number] = values[number]
        end = place
