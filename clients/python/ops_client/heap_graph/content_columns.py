"""Contents and hashes of one batch, decoded into columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ops_client.errors import CorruptHeapGraphFile
from ops_client.heap_graph.columns import (
    Unsigned,
    check_fits_32_bits,
    decode_varints,
    decode_zigzag,
)
from ops_service.v1 import heap_graph_pb2

_BATCH = heap_graph_pb2.HeapGraphBatch


@dataclass(frozen=True, slots=True)
class ContentColumns:
    """The contents in one ``HeapGraphBatch``, and its string hashes."""

    objects: NDArray[np.int64]
    kinds: Unsigned
    lengths: Unsigned
    sizes: Unsigned
    data: bytes
    hash_objects: NDArray[np.int64]
    hashes: NDArray[np.uint64]


def parse_contents(
    column: Callable[[int], bytes | memoryview], first_object_index: int
) -> ContentColumns:
    """Decode the content columns of a batch.

    Args:
        column: Returns the bytes of a field by its number.
        first_object_index: First object index of the batch.

    Raises:
        CorruptHeapGraphFile: The columns contradict each other.
        WireError: A column is malformed.
    """
    found = ContentColumns(
        objects=_objects(column(_BATCH.CONTENT_OBJECT_DELTAS_FIELD_NUMBER), first_object_index),
        kinds=decode_varints(column(_BATCH.CONTENT_KINDS_FIELD_NUMBER)),
        lengths=decode_varints(column(_BATCH.CONTENT_LENGTHS_FIELD_NUMBER)),
        sizes=decode_varints(column(_BATCH.CONTENT_SIZES_FIELD_NUMBER)),
        data=bytes(column(_BATCH.CONTENTS_FIELD_NUMBER)),
        hash_objects=_objects(column(_BATCH.HASH_OBJECT_DELTAS_FIELD_NUMBER), first_object_index),
        hashes=_fixed_64(column(_BATCH.HASHES_FIELD_NUMBER)),
    )
    count = len(found.objects)
    if not (
        count == len(found.kinds) == len(found.lengths) == len(found.sizes)
        and len(found.hash_objects) == len(found.hashes)
    ):
        raise CorruptHeapGraphFile("the content columns of a batch differ in length.")
    check_fits_32_bits(found.kinds)
    # Each size is checked alone first, so that their sum cannot wrap.
    size = len(found.data)
    if (found.sizes > size).any() or int(found.sizes.sum()) != size:
        raise CorruptHeapGraphFile("the contents of a batch do not have their stated sizes.")
    return found


def _objects(packed: bytes | memoryview, first_object_index: int) -> NDArray[np.int64]:
    """Decode the indexes of objects from the differences between them."""
    deltas = decode_zigzag(packed)
    objects: NDArray[np.int64] = np.cumsum(deltas)
    # A sum that wraps exceeds 33 bits on the way.
    if first_object_index >> 32 or (np.abs(deltas) >> 33).any() or (np.abs(objects) >> 33).any():
        raise CorruptHeapGraphFile("a content belongs to an impossible object.")
    objects += first_object_index
    if (objects < 0).any():
        raise CorruptHeapGraphFile("a content belongs to an impossible object.")
    return objects


def _fixed_64(packed: bytes | memoryview) -> NDArray[np.uint64]:
    if len(packed) % 8:
        raise CorruptHeapGraphFile("the last hash of a batch is cut off.")
    return np.frombuffer(packed, "<u8").astype(np.uint64)
