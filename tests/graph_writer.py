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
    made: list[pb.HeapGraphBatch] = []
    batch = pb.HeapGraphBatch()
    # New objects get the next index, in the order in which edges find them. An
    # object that no edge finds takes the next index itself.
    following = 0
    previous_id = previous_content = previous_hash = 0
    late: list[tuple[int, int, int, int]] = []

    def flush(first_object_index: int) -> None:
        nonlocal batch, previous_id, previous_content, previous_hash
        made.append(batch)
        batch = pb.HeapGraphBatch(
            first_object_index=first_object_index, next_object_index=following
        )
        previous_id = 0
        previous_content = previous_hash = first_object_index

    for index, node in enumerate(graph.nodes):
        unfound = 0
        if index >= following:
            if len(batch.sizes) >= objects_per_batch:
                flush(index)
            following = index + 1
            unfound = 32
        if len(batch.sizes) >= objects_per_batch:
            flush(index)
        batch.type_indexes.append(node.type_index)
        batch.sizes.append(node.size)
        batch.id_deltas.append(node.id - previous_id)
        previous_id = node.id
        batch.flags.append(node.flags | unfound)
        batch.extra_sizes.append(node.extra_size)
        batch.edge_counts.append(0)
        continued = False
        place = 0
        if node.content is not None:
            kind, length, data = node.content
            batch.content_object_deltas.append(index - previous_content)
            previous_content = index
            batch.content_kinds.append(kind)
            batch.content_lengths.append(length)
            batch.content_sizes.append(len(data))
            batch.contents += data
        if node.hash is not None:
            batch.hash_object_deltas.append(index - previous_hash)
            previous_hash = index
            batch.hashes.append(node.hash)
        if graph.sites:
            batch.site_indexes.append(node.site)
        for number, (target, kind, name) in enumerate(node.edges):
            if is_late(node.edges[number], following):
                late.append((index, target, name << 4 | kind, place))
                continue
            place += 1
            if len(batch.edge_targets) >= edges_per_batch:
                flush(index + 1)
                continued = True
            if target == following:
                batch.edge_targets.append(0)
                following += 1
            elif number % 2 and target < following:
                batch.edge_targets.append((following - target) << 1)
            else:
                batch.edge_targets.append(target << 1 | 1)
            batch.edge_labels.append(name << 4 | kind)
            if continued:
                batch.continued_edge_count += 1
            else:
                batch.edge_counts[-1] += 1
    for index, number, name in graph.named:
        batch.named_entry_objects.append(index)
        batch.named_entry_numbers.append(number)
        batch.named_entry_names.append(name)
    for source, target, label, place in late:
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
