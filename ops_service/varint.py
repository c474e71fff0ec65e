"""The only protobuf encoding that is needed without protobuf."""

from __future__ import annotations


def varint(number: int) -> bytes:
    """Encode a length as protobuf does: seven bits a byte, lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
