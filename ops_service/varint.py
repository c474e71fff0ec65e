"""Length-prefixed messages, as protobuf delimits them in a file."""

from __future__ import annotations

MAX_BYTES = 10
"""Maximum length of a varint, in bytes."""


def varint(number: int) -> bytes:
    """Encode a length as protobuf does: seven bits a byte, lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def read_varint(data: bytes | bytearray, position: int = 0) -> tuple[int, int] | None:
    """Read the number at a position. Return it, and the position after it.

    Returns:
        None if the data ends before the number does.

    Raises:
        ValueError: There is no varint at this position.
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
    """Return a message with its length as prefix."""
    return varint(len(message)) + message


def undelimited(data: bytes) -> bytes:
    """Return the message without its length: the inverse of `delimited`."""
    head = read_varint(data)
    if head is None:
        raise ValueError("the message has no length prefix")
    return data[head[1] :]
