"""One batch of a heap graph, decoded into columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_client._wire import WireError, fields
from ops_client.errors import CorruptHeapGraphFile
from ops_client.heap_graph._algorithms import native
from ops_client.heap_graph.columns import (
    Unsigned,
    check_fits_32_bits,
    decode_varints,
    decode_zigzag,
)
from ops_client.heap_graph.content_columns import ContentColumns, parse_contents
from ops_client.heap_graph.roots import FLAG_GARBAGE
from ops_service.v1 import heap_graph_pb2

_BATCH = heap_graph_pb2.HeapGraphBatch


@dataclass(slots=True)
class Batch:
    """The columns of one ``HeapGraphBatch``, with targets and ids resolved."""

    first_object_index: int
    continued_edge_count: int
    types: list[heap_graph_pb2.HeapType]
    names: list[str]
    roots: list[heap_graph_pb2.HeapRoot]
    type_indexes: Unsigned
    sizes: Unsigned
    extra_sizes: Unsigned
    """Empty if no object of the batch has any."""
    ids: NDArray[np.integer[Any]]
    flags: Unsigned
    edge_counts: Unsigned
    edge_targets: NDArray[np.integer[Any]]
    edge_kinds: NDArray[np.uint8]
    edge_names: Unsigned
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


def parse_batch(message: memoryview) -> Batch:
    """Decode a serialized ``HeapGraphBatch``.

    Raises:
        CorruptHeapGraphFile: Its columns contradict each other.
        WireError, DecodeError, UnicodeDecodeError: It is malformed.
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

    sizes = decode_varints(column(_BATCH.SIZES_FIELD_NUMBER))
    type_indexes = decode_varints(column(_BATCH.TYPE_INDEXES_FIELD_NUMBER))
    ids = _decode_ids(column(_BATCH.ID_DELTAS_FIELD_NUMBER))
    flags = decode_varints(column(_BATCH.FLAGS_FIELD_NUMBER))
    edge_counts = decode_varints(column(_BATCH.EDGE_COUNTS_FIELD_NUMBER))
    extra_sizes = decode_varints(column(_BATCH.EXTRA_SIZES_FIELD_NUMBER))
    packed_targets = column(_BATCH.EDGE_TARGETS_FIELD_NUMBER)
    labels = decode_varints(column(_BATCH.EDGE_LABELS_FIELD_NUMBER))
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
        type_indexes,
        flags,
        extra_sizes,
        labels,
        late_sources,
        late_targets,
        late_labels,
        late_places,
        named_objects,
        named_numbers,
        named_names,
    ):
        check_fits_32_bits(narrow)
    # Each count is checked on its own first, so that their sum cannot wrap.
    if continued > len(labels) or (edge_counts > len(labels)).any():
        raise CorruptHeapGraphFile("an object claims more edges than its batch holds.")
    if continued + int(edge_counts.sum()) != len(labels):
        raise CorruptHeapGraphFile("the edge columns of a batch differ in length.")
    targets = _decode_targets(
        packed_targets,
        numbers.get(_BATCH.NEXT_OBJECT_INDEX_FIELD_NUMBER, 0),
        _first_edges_of_unfound(flags, edge_counts, continued),
    )
    if len(targets) != len(labels):
        raise CorruptHeapGraphFile("the edge columns of a batch differ in length.")

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
        edge_targets=targets,
        edge_kinds=(labels & 0xF).astype(np.uint8),
        edge_names=labels >> np.uint8(4),
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


def _decode_ids(packed: bytes | memoryview) -> NDArray[np.integer[Any]]:
    if native is None:
        return resolve_ids(decode_zigzag(packed))
    try:
        return np.frombuffer(native.resolve_ids(packed), np.uint32)
    except OverflowError as error:
        raise CorruptHeapGraphFile(str(error)) from error
    except ValueError as error:
        raise WireError(str(error)) from error


def _decode_targets(
    packed: bytes | memoryview, next_object_index: int, unfound: NDArray[np.int64]
) -> NDArray[np.integer[Any]]:
    if native is None:
        return resolve_targets(decode_varints(packed), next_object_index, unfound)
    if next_object_index >> 33:
        raise CorruptHeapGraphFile("an edge leads to an impossible object.")
    try:
        found = native.resolve_targets(packed, next_object_index, unfound)
    except OverflowError as error:
        raise CorruptHeapGraphFile(str(error)) from error
    except ValueError as error:
        raise WireError(str(error)) from error
    return np.frombuffer(found, np.uint32)


def resolve_ids(deltas: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ids from the differences between them."""
    ids: NDArray[np.int64] = np.cumsum(deltas)
    # A sum that wrapped leaves 32 bits on its way: each delta is below 2**33
    # in a sound file.
    if (np.abs(deltas) >> 33).any() or (ids >> 32).any() or ((ids & 1 == 0) & (ids != 0)).any():
        raise CorruptHeapGraphFile("an object has an impossible id.")
    return ids


def _first_edges_of_unfound(
    flags: Unsigned, edge_counts: Unsigned, continued: int
) -> NDArray[np.int64]:
    """Where the edges begin of each object that no edge found."""
    unfound = np.flatnonzero(flags & np.uint8(FLAG_GARBAGE))
    if len(unfound) == 0:
        return unfound
    ends = np.cumsum(edge_counts.astype(np.int64)) + continued
    return ends[unfound] - edge_counts[unfound].astype(np.int64)


def resolve_targets(
    encoded: Unsigned, next_object_index: int, unfound: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Targets from how edges tell them, see ``HeapGraphBatch.edge_targets``.

    Args:
        unfound: At which edges an object takes an index itself.
    """
    if len(encoded) == 0:
        return np.empty(0, np.int64)
    if next_object_index >> 33 or int(encoded.max()) >> 34:
        raise CorruptHeapGraphFile("an edge leads to an impossible object.")
    codes = encoded.astype(np.int64)
    is_new = codes == 0
    # The index that the next new object gets, as it stands at each edge.
    following = np.cumsum(is_new)
    following += next_object_index
    following -= is_new
    if len(unfound):
        # Such an object takes an index itself, before its first edge.
        taken = np.bincount(unfound, minlength=len(codes) + 1)
        following += np.cumsum(taken)[: len(codes)]
    halves = codes >> 1
    targets: NDArray[np.int64] = np.where(codes & 1, halves, following - halves)
    if int(targets.min()) < 0:
        raise CorruptHeapGraphFile("an edge leads to an impossible object.")
    return targets
