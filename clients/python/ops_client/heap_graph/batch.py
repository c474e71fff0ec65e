"""One batch of a heap graph, decoded into columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from ops_client._wire import fields
from ops_client.errors import CorruptHeapGraphFile
from ops_client.heap_graph.columns import Unsigned, check_fits_32_bits, decode_varints
from ops_client.heap_graph.content_columns import ContentColumns, parse_contents
from ops_client.heap_graph.edges import PackedEdges
from ops_client.heap_graph.filling import fill, fill_ids
from ops_client.heap_graph.roots import FLAG_GARBAGE
from ops_service.v1 import heap_graph_pb2

MessageT = TypeVar("MessageT", bound=Message)

_BATCH = heap_graph_pb2.HeapGraphBatch
_LATE_EDGES = (
    _BATCH.LATE_EDGE_SOURCES_FIELD_NUMBER,
    _BATCH.LATE_EDGE_TARGETS_FIELD_NUMBER,
    _BATCH.LATE_EDGE_LABELS_FIELD_NUMBER,
    _BATCH.LATE_EDGE_PLACES_FIELD_NUMBER,
)
_NAMED_ENTRIES = (
    _BATCH.NAMED_ENTRY_OBJECTS_FIELD_NUMBER,
    _BATCH.NAMED_ENTRY_NUMBERS_FIELD_NUMBER,
    _BATCH.NAMED_ENTRY_NAMES_FIELD_NUMBER,
)


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


class _Fields:
    """The fields of one serialized message, by their numbers."""

    def __init__(self, message: memoryview) -> None:
        self._numbers: dict[int, int] = {}
        self._parts: dict[int, list[memoryview]] = {}
        for number, value in fields(message):
            if isinstance(value, int):
                self._numbers[number] = value
            else:
                self._parts.setdefault(number, []).append(value)

    def integer(self, number: int) -> int:
        """Return an integer; 0 if the field is absent."""
        return self._numbers.get(number, 0)

    def parts(self, number: int) -> list[memoryview]:
        """Return the elements of a repeated field that is not packed."""
        return self._parts.get(number, [])

    def column(self, number: int) -> bytes | memoryview:
        """Return the bytes of a packed field."""
        pieces = self.parts(number)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def varints(self, number: int) -> Unsigned:
        """Decode a packed field."""
        return decode_varints(self.column(number))

    def fill(self, number: int, into: NDArray[Any]) -> NDArray[Any]:
        """Decode a packed field into the beginning of a column. Returns that beginning."""
        return into[: fill(self.column(number), into)]


def parse_batch(message: memoryview, room: Room) -> Batch:
    """Decode a serialized ``HeapGraphBatch``.

    Raises:
        CorruptHeapGraphFile: Its columns contradict each other, or need more room.
        WireError, DecodeError, UnicodeDecodeError: The message is malformed.
    """
    found = _Fields(message)
    sizes = found.fill(_BATCH.SIZES_FIELD_NUMBER, room.sizes)
    type_indexes = found.fill(_BATCH.TYPE_INDEXES_FIELD_NUMBER, room.type_indexes)
    ids = room.ids[: fill_ids(found.column(_BATCH.ID_DELTAS_FIELD_NUMBER), room.ids)]
    flags = found.fill(_BATCH.FLAGS_FIELD_NUMBER, room.flags)
    edge_counts = found.fill(_BATCH.EDGE_COUNTS_FIELD_NUMBER, room.edge_counts)
    extra_sizes = found.fill(_BATCH.EXTRA_SIZES_FIELD_NUMBER, room.extra_sizes)
    site_indexes = found.varints(_BATCH.SITE_INDEXES_FIELD_NUMBER)
    late = [found.varints(number) for number in _LATE_EDGES]
    named = [found.varints(number) for number in _NAMED_ENTRIES]
    _check_lengths(
        len(sizes),
        (type_indexes, ids, flags, edge_counts),
        (extra_sizes, site_indexes),
        late,
        named,
    )
    for narrow in (*late, *named):
        check_fits_32_bits(narrow)
    edges = _pack_edges(found, room, flags, edge_counts)
    late_sources, late_targets, late_labels, late_places = late
    named_objects, named_numbers, named_names = named
    first = found.integer(_BATCH.FIRST_OBJECT_INDEX_FIELD_NUMBER)
    return Batch(
        first_object_index=first,
        continued_edge_count=found.integer(_BATCH.CONTINUED_EDGE_COUNT_FIELD_NUMBER),
        types=_messages(found.parts(_BATCH.TYPES_FIELD_NUMBER), heap_graph_pb2.HeapType),
        names=[str(part, "utf-8") for part in found.parts(_BATCH.NAMES_FIELD_NUMBER)],
        roots=_messages(found.parts(_BATCH.ROOTS_FIELD_NUMBER), heap_graph_pb2.HeapRoot),
        type_indexes=type_indexes,
        sizes=sizes,
        extra_sizes=extra_sizes,
        ids=ids,
        flags=flags,
        edge_counts=edge_counts,
        edges=edges,
        allocation_sites=_messages(
            found.parts(_BATCH.ALLOCATION_SITES_FIELD_NUMBER), heap_graph_pb2.AllocationSite
        ),
        site_indexes=site_indexes,
        late_sources=late_sources.astype(np.int64),
        late_targets=late_targets.astype(np.int64),
        late_kinds=(late_labels & 0xF).astype(np.uint8),
        late_names=late_labels >> np.uint8(4),
        late_places=late_places,
        named_objects=named_objects,
        named_numbers=named_numbers,
        named_names=named_names,
        contents=parse_contents(found.column, first),
    )


def _messages(parts: list[memoryview], kind: type[MessageT]) -> list[MessageT]:
    return [kind.FromString(bytes(part)) for part in parts]


def _check_lengths(
    objects: int,
    whole: Sequence[NDArray[Any]],
    optional: Sequence[NDArray[Any]],
    late: Sequence[NDArray[Any]],
    named: Sequence[NDArray[Any]],
) -> None:
    """Raise CorruptHeapGraphFile unless columns of the same things have the same length.

    Args:
        objects: Number of objects.
        whole: Columns with an entry for each object.
        optional: Columns that may also be empty.
        late: Columns of the late edges.
        named: Columns of the named entries.
    """
    if any(len(column) != objects for column in whole) or any(
        len(column) not in (0, objects) for column in optional
    ):
        raise CorruptHeapGraphFile("the object columns of a batch differ in length.")
    if len({len(column) for column in late}) > 1:
        raise CorruptHeapGraphFile("the late edge columns of a batch differ in length.")
    if len({len(column) for column in named}) > 1:
        raise CorruptHeapGraphFile("the columns of named entries of a batch differ in length.")


def _pack_edges(
    found: _Fields, room: Room, flags: NDArray[np.uint32], edge_counts: NDArray[np.uint64]
) -> PackedEdges:
    """Return the edges, with as much room as their objects claim.

    Raises:
        CorruptHeapGraphFile: The objects claim more room than there is.
    """
    continued = found.integer(_BATCH.CONTINUED_EDGE_COUNT_FIELD_NUMBER)
    # Each count is checked alone first, so that their sum cannot wrap.
    most = len(room.edge_targets)
    if continued > most or (len(edge_counts) and int(edge_counts.max()) > most):
        raise CorruptHeapGraphFile("an object claims more edges than its trailer counts.")
    edges = continued + int(edge_counts.sum())
    if edges > most:
        raise CorruptHeapGraphFile("it holds more edges than its trailer counts.")
    return PackedEdges(
        packed_targets=found.column(_BATCH.EDGE_TARGETS_FIELD_NUMBER),
        packed_labels=found.column(_BATCH.EDGE_LABELS_FIELD_NUMBER),
        next_object_index=found.integer(_BATCH.NEXT_OBJECT_INDEX_FIELD_NUMBER),
        unfound=_first_edges_of_unfound(flags, edge_counts, continued),
        targets=room.edge_targets[:edges],
        kinds=room.edge_kinds[:edges],
        names=room.edge_names[:edges],
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
