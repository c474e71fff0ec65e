"""The parts of protobuf's wire format that are read without protobuf.

A capture forwards its messages unparsed, and a reader of ten million objects cannot
afford a Python object for each. Both only need the position of a field's bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT = 0
FIXED64 = 1
LENGTH_DELIMITED = 2
FIXED32 = 5

MAX_VARINT_BYTES = 10


class WireError(ValueError):
    """The bytes are not a well-formed protobuf message."""


def encode_varint(value: int) -> bytes:
    """Encode a non-negative integer as a base-128 varint."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode_varint(data: bytes | memoryview, position: int) -> tuple[int, int]:
    """Decode the varint at a position. Returns its value and the position after it.

    Raises:
        WireError: It exceeds the end of the data, or 64 bits.
    """
    value = 0
    for shift in range(0, 7 * MAX_VARINT_BYTES, 7):
        if position >= len(data):
            raise WireError("a number runs past the end")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                break
            return value, position
    raise WireError("a number has more than 64 bits")


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Iterate over the fields of a message, as (number, value).

    A varint's value is an int. Any other value is a view of its bytes, without a copy.

    Raises:
        WireError: The message is malformed.
    """
    position = 0
    end = len(message)
    while position < end:
        tag = message[position]
        if tag < 0x80:
            position += 1
        else:
            tag, position = decode_varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise WireError("a field has the number 0")
        if wire_type == VARINT:
            value, position = decode_varint(message, position)
            yield number, value
            continue
        if wire_type == LENGTH_DELIMITED:
            length, position = decode_varint(message, position)
        elif wire_type == FIXED64:
            length = 8
        elif wire_type == FIXED32:
            length = 4
        else:
            raise WireError(f"wire type {wire_type} does not exist")
        if length > end - position:
            raise WireError("a field runs past the end of its message")
        yield number, message[position : position + length]
        position += length
