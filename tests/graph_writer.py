"""Writes heap graph files as the contract says, with protobuf's own classes.

It shares no code with the reader under test. It follows the contract's text, not the
engine's current choices.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from google.protobuf.internal.encoder import _VarintBytes
from google.protobuf.message import Message

from ops_service.v1 import heap_graph_pb2 as pb


@dataclass
class Node:
    """One object: its columns and its edges."""

    type_index: int = 0
    size: int = 16
    id: int = 0
    flags: int = 1
    extra_size: int = 0
    edges: list[tuple[int, int, int]] = field(default_factory=list)
    """(target, kind, name) for each edge."""
    site: int = 0
    content: tuple[int, int, bytes] | None = None
    """Kind, length and bytes."""
    hash: int | None = None


@dataclass
class Graph:
    """A graph to write."""

    types: list[pb.HeapType]
    names: list[str]
    """Numbered from 1."""
    nodes: list[Node]
    roots: list[pb.HeapRoot] = field(default_factory=list)
    sites: list[tuple[str, int]] = field(default_factory=list)
    """File and line, numbered from 1."""
    named: list[tuple[int, int, int]] = field(default_factory=list)
    """Dict entries whose names come late: object, number, name."""


def delimited(message: Message) -> bytes:
    data = message.SerializeToString()
    return _VarintBytes(len(data)) + data


def default_header(**changes: object) -> pb.HeapGraphHeader:
    header = pb.HeapGraphHeader(
        format_version=1,
        snapshot_id="5f0a",
        content_level=pb.CONTENT_LEVEL_NONE,
        capture_mode=pb.CAPTURE_MODE_FORKED,
        python_version="3.12.1",
    )
    for name, value in changes.items():
        setattr(header, name, value)
    return header


def batches(graph: Graph, edges_per_batch: int, objects_per_batch: int) -> list[pb.HeapGraphBatch]:
    """Cut a graph into batches, objects with many edges across several."""
    cutter = Cutter(graph, edges_per_batch, objects_per_batch)
    for index, node in enumerate(graph.nodes):
        cutter.add_object(index, node)
        cutter.add_content(index, node)
        cutter.add_edges(index, node)
    return cutter.finish()


class Cutter:
    """Writes the objects of a graph into batches, in their order."""

    def __init__(self, graph: Graph, edges_per_batch: int, objects_per_batch: int) -> None:
        self._graph = graph
        self._edges_per_batch = edges_per_batch
        self._objects_per_batch = objects_per_batch
        self._made: list[pb.HeapGraphBatch] = []
        self._batch = pb.HeapGraphBatch()
        # New objects get the next index, in the order in which edges find them. An
        # object that no edge finds takes the next index itself.
        self._following = 0
        self._previous_id = self._previous_content = self._previous_hash = 0
        self._late: list[tuple[int, int, int, int]] = []

    def _flush(self, first_object_index: int) -> None:
        self._made.append(self._batch)
        self._batch = pb.HeapGraphBatch(
            first_object_index=first_object_index, next_object_index=self._following
        )
        self._previous_id = 0
        self._previous_content = self._previous_hash = first_object_index

    def add_object(self, index: int, node: Node) -> None:
        """Write the columns of an object, without its content and its edges."""
        unfound = 0
        if index >= self._following:
            if len(self._batch.sizes) >= self._objects_per_batch:
                self._flush(index)
            self._following = index + 1
            unfound = 32
        if len(self._batch.sizes) >= self._objects_per_batch:
            self._flush(index)
        batch = self._batch
        batch.type_indexes.append(node.type_index)
        batch.sizes.append(node.size)
        batch.id_deltas.append(node.id - self._previous_id)
        self._previous_id = node.id
        batch.flags.append(node.flags | unfound)
        batch.extra_sizes.append(node.extra_size)
        batch.edge_counts.append(0)
        if self._graph.sites:
            batch.site_indexes.append(node.site)

    def add_content(self, index: int, node: Node) -> None:
        """Write the content and the hash of the latest object."""
        batch = self._batch
        if node.content is not None:
            kind, length, data = node.content
            batch.content_object_deltas.append(index - self._previous_content)
            self._previous_content = index
            batch.content_kinds.append(kind)
            batch.content_lengths.append(length)
            batch.content_sizes.append(len(data))
            batch.contents += data
        if node.hash is not None:
            batch.hash_object_deltas.append(index - self._previous_hash)
            self._previous_hash = index
            batch.hashes.append(node.hash)

    def add_edges(self, index: int, node: Node) -> None:
        """Write the edges of the latest object, the rest of them into further batches."""
        continued = False
        place = 0
        for number, (target, kind, name) in enumerate(node.edges):
            if is_late(node.edges[number], self._following):
                self._late.append((index, target, name << 4 | kind, place))
                continue
            place += 1
            if len(self._batch.edge_targets) >= self._edges_per_batch:
                self._flush(index + 1)
                continued = True
            self._batch.edge_targets.append(self._encoded(number, target))
            self._batch.edge_labels.append(name << 4 | kind)
            if continued:
                self._batch.continued_edge_count += 1
            else:
                self._batch.edge_counts[-1] += 1

    def _encoded(self, number: int, target: int) -> int:
        """A target as a file has it. Odd edges use the distance if they can."""
        if target == self._following:
            self._following += 1
            return 0
        if number % 2 and target < self._following:
            return (self._following - target) << 1
        return target << 1 | 1

    def finish(self) -> list[pb.HeapGraphBatch]:
        """Write what belongs to the whole graph, and return the batches."""
        graph, batch, made = self._graph, self._batch, self._made
        for index, number, name in graph.named:
            batch.named_entry_objects.append(index)
            batch.named_entry_numbers.append(number)
            batch.named_entry_names.append(name)
        for source, target, label, place in self._late:
            batch.late_edge_sources.append(source)
            batch.late_edge_targets.append(target)
            batch.late_edge_labels.append(label)
            batch.late_edge_places.append(place)
        made.append(batch)
        made[0].allocation_sites.extend(
            pb.AllocationSite(file_name=file, line=line) for file, line in graph.sites
        )
        made[0].types.extend(graph.types)
        made[0].names.extend(graph.names)
        made[0].roots.extend(graph.roots)
        for each in made:
            if not any(each.extra_sizes):
                del each.extra_sizes[:]
        return made


def is_late(edge: tuple[int, int, int], following: int) -> bool:
    """Whether an edge is written late: a weak edge that does not find its target."""
    target, kind, _ = edge
    return kind == pb.EDGE_KIND_WEAK and target < following


def stream(
    graph: Graph,
    *,
    header: pb.HeapGraphHeader | None = None,
    edges_per_batch: int = 1000,
    objects_per_batch: int = 1000,
    trailer_changes: dict[str, object] | None = None,
) -> list[pb.CaptureHeapSnapshotResponse]:
    """The messages of a capture of this graph."""
    header = header or default_header()
    if graph.sites:
        header.allocation_sites = pb.ALLOCATION_SITES_INCLUDED
    parts = [pb.CaptureHeapSnapshotResponse(header=header)]
    parts += [
        pb.CaptureHeapSnapshotResponse(batch=batch)
        for batch in batches(graph, edges_per_batch, objects_per_batch)
    ]
    content = b"".join(delimited(part) for part in parts)
    trailer = pb.HeapGraphTrailer(
        object_count=len(graph.nodes),
        edge_count=sum(len(node.edges) for node in graph.nodes),
        type_count=len(graph.types),
        name_count=len(graph.names),
        total_size=sum(node.size for node in graph.nodes),
        byte_count=len(content),
        sha256=hashlib.sha256(content).digest(),
    )
    for name, value in (trailer_changes or {}).items():
        setattr(trailer, name, value)
    return [*parts, pb.CaptureHeapSnapshotResponse(trailer=trailer)]


def file_bytes(graph: Graph, **options: object) -> bytes:
    """A heap graph file of this graph."""
    return b"".join(delimited(part) for part in stream(graph, **options))  # type: ignore[arg-type]


def sealed(parts: list[pb.CaptureHeapSnapshotResponse]) -> bytes:
    """A file of these parts. The trailer's length and hash are computed again."""
    content = b"".join(delimited(part) for part in parts[:-1])
    parts[-1].trailer.byte_count = len(content)
    parts[-1].trailer.sha256 = hashlib.sha256(content).digest()
    return content + delimited(parts[-1])
