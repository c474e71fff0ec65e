"""Decode packed columns into the columns of a graph, in C if that was built.

Each function fills the beginning of its column and returns the number of values. It
raises CorruptHeapGraphFile if a value does not fit or there are too many values, and
WireError if the packed bytes are malformed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_client._wire import WireError
from ops_client.errors import CorruptHeapGraphFile
from ops_client.heap_graph._algorithms import native
from ops_client.heap_graph.columns import (
    Unsigned,
    check_fits_32_bits,
    decode_varints_in_python,
    decode_zigzag,
)

Packed = bytes | memoryview

_IMPOSSIBLE_ID = "an object has an impossible id."
_IMPOSSIBLE_TARGET = "an edge leads to an impossible object."


def fill(packed: Packed, column: NDArray[Any]) -> int:
    """Decode numbers into a column of uint32 or uint64. Costs about 1 ns per value in C."""
    if native is not None:
        return _called(native.fill_32 if column.itemsize == 4 else native.fill_64, packed, column)
    values = decode_varints_in_python(packed)
    if column.itemsize == 4:
        check_fits_32_bits(values)
    return _put(column, values)


def fill_ids(packed: Packed, ids: NDArray[np.uint32]) -> int:
    """Decode ids from the differences between them."""
    if native is not None:
        return _called(native.fill_ids, packed, ids)
    return _put(ids, resolve_ids(decode_zigzag(packed)))


def fill_labels(packed: Packed, kinds: NDArray[np.uint8], names: NDArray[np.uint32]) -> int:
    """Decode labels of edges into a kind and a name each."""
    if native is not None:
        return _called(native.fill_labels, packed, kinds, names)
    labels = decode_varints_in_python(packed)
    check_fits_32_bits(labels)
    _put(kinds, labels & np.uint8(0xF))
    return _put(names, labels >> np.uint8(4))


def fill_targets(
    packed: Packed,
    targets: NDArray[np.uint32],
    next_object_index: int,
    unfound: NDArray[np.int64],
) -> int:
    """Decode targets of edges; ``HeapGraphBatch.edge_targets`` defines the encoding.

    Args:
        unfound: Edges at which an object takes an index itself.
    """
    if next_object_index >> 33:
        raise CorruptHeapGraphFile(_IMPOSSIBLE_TARGET)
    if native is not None:
        return _called(native.fill_targets, packed, targets, unfound, next_object_index)
    codes = decode_varints_in_python(packed)
    return _put(targets, resolve_targets(codes, next_object_index, unfound))


def _called(function: Callable[..., int], *arguments: object) -> int:
    try:
        return function(*arguments)
    except OverflowError as error:
        raise CorruptHeapGraphFile(str(error)) from error
    except ValueError as error:
        raise WireError(str(error)) from error


def _put(column: NDArray[Any], values: NDArray[Any]) -> int:
    if len(values) > len(column):
        raise CorruptHeapGraphFile("it holds more objects than its trailer counts.")
    column[: len(values)] = values
    return len(values)


def resolve_ids(deltas: NDArray[np.int64]) -> NDArray[np.int64]:
    """Decode ids from the differences between them, in Python."""
    ids: NDArray[np.int64] = np.cumsum(deltas)
    # A sum that wraps exceeds 32 bits on the way: each delta is below 2**33 in an
    # intact file.
    if (np.abs(deltas) >> 33).any() or (ids >> 32).any() or ((ids & 1 == 0) & (ids != 0)).any():
        raise CorruptHeapGraphFile(_IMPOSSIBLE_ID)
    return ids


def resolve_targets(
    encoded: Unsigned, next_object_index: int, unfound: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Decode targets of edges, in Python."""
    if len(encoded) == 0:
        return np.empty(0, np.int64)
    if next_object_index >> 33 or int(encoded.max()) >> 34:
        raise CorruptHeapGraphFile(_IMPOSSIBLE_TARGET)
    codes = encoded.astype(np.int64)
    is_new = codes == 0
    # At each edge: the index that the next new object gets.
    following = np.cumsum(is_new)
    following += next_object_index
    following -= is_new
    if len(unfound):
        # Such an object takes an index itself, before its first edge.
        taken = np.bincount(unfound, minlength=len(codes) + 1)
        following += np.cumsum(taken)[: len(codes)]
    halves = codes >> 1
    targets: NDArray[np.int64] = np.where(codes & 1, halves, following - halves)
    if int(targets.min()) < 0 or int(targets.max()) >> 32:
        raise CorruptHeapGraphFile(_IMPOSSIBLE_TARGET)
    return targets
