"""Packed protobuf columns as NumPy arrays, without a Python object per entry."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_client._wire import MAX_VARINT_BYTES, WireError
from ops_client.errors import CorruptHeapGraphFile
from ops_client.heap_graph._algorithms import native

Unsigned = NDArray[np.unsignedinteger[Any]]

_WIDTHS: dict[int, type[np.unsignedinteger[Any]]] = {1: np.uint8, 4: np.uint32, 8: np.uint64}

# Four bytes carry 28 bits, which always fit into 32.
_NARROW_BYTES = 4

_NONE: Unsigned = np.empty(0, np.uint8)


def decode_varints(packed: bytes | memoryview) -> Unsigned:
    """Decode the bytes of a packed varint field.

    The result has the narrowest of uint8, uint32 and uint64 that is sure to hold
    every value. Costs about 1 ns per value.

    Raises:
        WireError: The last number is cut off, or a number has more than 64 bits.
    """
    if not packed:
        return _NONE
    if native is not None:
        try:
            values, width = native.unpack_varints(packed)
        except ValueError as error:
            raise WireError(str(error)) from error
        unpacked: Unsigned = np.frombuffer(values, _WIDTHS[width])
        return unpacked
    return decode_varints_in_python(packed)


def decode_varints_in_python(packed: bytes | memoryview) -> Unsigned:
    """Do the same without the native module. Costs about 10 ns per value."""
    data = np.frombuffer(packed, np.uint8)
    if data.size == 0:
        return data
    is_last = data < 0x80
    if not is_last[-1]:
        raise WireError("the last number of a column is cut off")
    ends = np.flatnonzero(is_last)
    if ends.size == data.size:
        return data
    lengths = np.diff(ends, prepend=-1)
    longest = int(lengths.max())
    if longest > MAX_VARINT_BYTES:
        raise WireError("a number has more than 64 bits")
    values: Unsigned = data[ends].astype(np.uint32 if longest <= _NARROW_BYTES else np.uint64)
    # From the last byte of each number, its most significant, back to the first.
    longer = np.flatnonzero(lengths > 1)
    for place in range(1, longest):
        if place == MAX_VARINT_BYTES - 1 and (data[ends[longer]] > 1).any():
            raise WireError("a number has more than 64 bits")
        byte = data[ends[longer] - place] & 0x7F
        values[longer] = (values[longer] << 7) | byte
        longer = longer[lengths[longer] > place + 1]
    return values


def decode_zigzag(packed: bytes | memoryview) -> NDArray[np.int64]:
    """Decode the bytes of a packed sint64 field.

    Raises:
        WireError: As ``decode_varints``.
    """
    values = decode_varints(packed).astype(np.uint64)
    return (values >> np.uint64(1)).astype(np.int64) ^ -(values & np.uint64(1)).astype(np.int64)


def check_fits_32_bits(values: Unsigned) -> None:
    """Raise CorruptHeapGraphFile unless every value fits 32 bits."""
    if values.dtype.itemsize > 4 and (values >> np.uint64(32)).any():
        raise CorruptHeapGraphFile("a number of a batch is out of its range.")
