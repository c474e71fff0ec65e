"""Messages with their length before them, as protobuf delimits them in a file."""

from __future__ import annotations

MAX_BYTES = 10
"""Of a varint."""


def varint(number: int) -> bytes:
    """A length as protobuf writes it: seven bits a byte, lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def read_varint(data: bytes | bytearray, position: int = 0) -> tuple[int, int] | None:
    """The number that begins at a position, and the position behind it.

    Returns:
        None if the data ends before the number does.

    Raises:
        ValueError: No varint stands there.
    """
    number = 0
    for index, byte in enumerate(data[position : position + MAX_BYTES]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, position + index + 1
    if len(data) - position >= MAX_BYTES:
        raise ValueError("a varint has more than ten bytes")
    return None


def delimited(message: bytes) -> bytes:
    """A message with its length before it."""
    return varint(len(message)) + message


def undelimited(data: bytes) -> bytes:
    """The message of `delimited`."""
    head = read_varint(data)
    if head is None:
        raise ValueError("no length stands before the message")
    return data[head[1] :]
