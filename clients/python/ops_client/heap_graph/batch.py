"""One batch of a heap graph, decoded into columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_client._wire import fields
from ops_client.errors import CorruptHeapGraphFile
from ops_client.heap_graph.columns import Unsigned, check_fits_32_bits, decode_varints
from ops_client.heap_graph.content_columns import ContentColumns, parse_contents
from ops_client.heap_graph.edges import PackedEdges
from ops_client.heap_graph.filling import fill, fill_ids
from ops_client.heap_graph.roots import FLAG_GARBAGE
from ops_service.v1 import heap_graph_pb2

_BATCH = heap_graph_pb2.HeapGraphBatch


@dataclass(frozen=True, slots=True)
class Room:
    """The unused rest of a graph's columns, into which a batch is decoded."""

    type_indexes: NDArray[np.uint32]
    sizes: NDArray[np.uint64]
    extra_sizes: NDArray[np.uint32]
    ids: NDArray[np.uint32]
    flags: NDArray[np.uint32]
    edge_counts: NDArray[np.uint64]
    edge_targets: NDArray[np.uint32]
    edge_kinds: NDArray[np.uint8]
    edge_names: NDArray[np.uint32]


@dataclass(slots=True)
class Batch:
    """The columns of one ``HeapGraphBatch``.

    The columns of its objects are in the given room, with ids resolved. Its edges are
    not decoded yet.
    """

    first_object_index: int
    continued_edge_count: int
    types: list[heap_graph_pb2.HeapType]
    names: list[str]
    roots: list[heap_graph_pb2.HeapRoot]
    type_indexes: NDArray[np.uint32]
    sizes: NDArray[np.uint64]
    extra_sizes: NDArray[np.uint32]
    """Empty if no object of the batch has any."""
    ids: NDArray[np.uint32]
    flags: NDArray[np.uint32]
    edge_counts: NDArray[np.uint64]
    edges: PackedEdges
    allocation_sites: list[heap_graph_pb2.AllocationSite]
    site_indexes: Unsigned
    late_sources: NDArray[np.int64]
    late_targets: NDArray[np.int64]
    late_kinds: NDArray[np.uint8]
    late_names: Unsigned
    late_places: Unsigned
    named_objects: Unsigned
    named_numbers: Unsigned
    named_names: Unsigned
    contents: ContentColumns


def parse_batch(message: memoryview, room: Room) -> Batch:
    """Decode a serialized ``HeapGraphBatch``.

    Raises:
        CorruptHeapGraphFile: Its columns contradict each other, or need more room.
        WireError, DecodeError, UnicodeDecodeError: The message is malformed.
    """
    numbers: dict[int, int] = {}
    parts: dict[int, list[memoryview]] = {}
    for number, value in fields(message):
        if isinstance(value, int):
            numbers[number] = value
        else:
            parts.setdefault(number, []).append(value)

    def column(number: int) -> bytes | memoryview:
        pieces = parts.get(number, [])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def filled(number: int, into: NDArray[Any]) -> NDArray[Any]:
        return into[: fill(column(number), into)]

    sizes = filled(_BATCH.SIZES_FIELD_NUMBER, room.sizes)
    type_indexes = filled(_BATCH.TYPE_INDEXES_FIELD_NUMBER, room.type_indexes)
    ids = room.ids[: fill_ids(column(_BATCH.ID_DELTAS_FIELD_NUMBER), room.ids)]
    flags = filled(_BATCH.FLAGS_FIELD_NUMBER, room.flags)
    edge_counts = filled(_BATCH.EDGE_COUNTS_FIELD_NUMBER, room.edge_counts)
    extra_sizes = filled(_BATCH.EXTRA_SIZES_FIELD_NUMBER, room.extra_sizes)
    site_indexes = decode_varints(column(_BATCH.SITE_INDEXES_FIELD_NUMBER))
    late_sources = decode_varints(column(_BATCH.LATE_EDGE_SOURCES_FIELD_NUMBER))
    late_targets = decode_varints(column(_BATCH.LATE_EDGE_TARGETS_FIELD_NUMBER))
    late_labels = decode_varints(column(_BATCH.LATE_EDGE_LABELS_FIELD_NUMBER))
    late_places = decode_varints(column(_BATCH.LATE_EDGE_PLACES_FIELD_NUMBER))
    named_objects = decode_varints(column(_BATCH.NAMED_ENTRY_OBJECTS_FIELD_NUMBER))
    named_numbers = decode_varints(column(_BATCH.NAMED_ENTRY_NUMBERS_FIELD_NUMBER))
    named_names = decode_varints(column(_BATCH.NAMED_ENTRY_NAMES_FIELD_NUMBER))
    first = numbers.get(_BATCH.FIRST_OBJECT_INDEX_FIELD_NUMBER, 0)
    continued = numbers.get(_BATCH.CONTINUED_EDGE_COUNT_FIELD_NUMBER, 0)

    objects = len(sizes)
    columns: tuple[NDArray[Any], ...] = (type_indexes, ids, flags, edge_counts)
    if any(len(entries) != objects for entries in columns) or any(
        len(entries) not in (0, objects) for entries in (extra_sizes, site_indexes)
    ):
        raise CorruptHeapGraphFile("the object columns of a batch differ in length.")
    if not len(late_sources) == len(late_targets) == len(late_labels) == len(late_places):
        raise CorruptHeapGraphFile("the late edge columns of a batch differ in length.")
    if not len(named_objects) == len(named_numbers) == len(named_names):
        raise CorruptHeapGraphFile("the columns of named entries of a batch differ in length.")
    for narrow in (
        late_sources,
        late_targets,
        late_labels,
        late_places,
        named_objects,
        named_numbers,
        named_names,
    ):
        check_fits_32_bits(narrow)
    # Each count is checked alone first, so that their sum cannot wrap.
    most = len(room.edge_targets)
    if continued > most or (objects and int(edge_counts.max()) > most):
        raise CorruptHeapGraphFile("an object claims more edges than its trailer counts.")
    edges = continued + int(edge_counts.sum())
    if edges > most:
        raise CorruptHeapGraphFile("it holds more edges than its trailer counts.")

    return Batch(
        first_object_index=first,
        continued_edge_count=continued,
        types=[
            heap_graph_pb2.HeapType.FromString(bytes(part))
            for part in parts.get(_BATCH.TYPES_FIELD_NUMBER, ())
        ],
        names=[str(part, "utf-8") for part in parts.get(_BATCH.NAMES_FIELD_NUMBER, ())],
        roots=[
            heap_graph_pb2.HeapRoot.FromString(bytes(part))
            for part in parts.get(_BATCH.ROOTS_FIELD_NUMBER, ())
        ],
        type_indexes=type_indexes,
        sizes=sizes,
        extra_sizes=extra_sizes,
        ids=ids,
        flags=flags,
        edge_counts=edge_counts,
        edges=PackedEdges(
            packed_targets=column(_BATCH.EDGE_TARGETS_FIELD_NUMBER),
            packed_labels=column(_BATCH.EDGE_LABELS_FIELD_NUMBER),
            next_object_index=numbers.get(_BATCH.NEXT_OBJECT_INDEX_FIELD_NUMBER, 0),
            unfound=_first_edges_of_unfound(flags, edge_counts, continued),
            targets=room.edge_targets[:edges],
            kinds=room.edge_kinds[:edges],
            names=room.edge_names[:edges],
        ),
        allocation_sites=[
            heap_graph_pb2.AllocationSite.FromString(bytes(part))
            for part in parts.get(_BATCH.ALLOCATION_SITES_FIELD_NUMBER, ())
        ],
        site_indexes=site_indexes,
        late_sources=late_sources.astype(np.int64),
        late_targets=late_targets.astype(np.int64),
        late_kinds=(late_labels & 0xF).astype(np.uint8),
        late_names=late_labels >> np.uint8(4),
        late_places=late_places,
        named_objects=named_objects,
        named_numbers=named_numbers,
        named_names=named_names,
        contents=parse_contents(column, first),
    )


def _first_edges_of_unfound(
    flags: NDArray[np.uint32], edge_counts: NDArray[np.uint64], continued: int
) -> NDArray[np.int64]:
    """Return the first edge of each object that no edge reached."""
    unfound = np.flatnonzero(flags & np.uint32(FLAG_GARBAGE))
    if len(unfound) == 0:
        return unfound
    ends = np.cumsum(edge_counts.astype(np.int64)) + continued
    return ends[unfound] - edge_counts[unfound].astype(np.int64)
