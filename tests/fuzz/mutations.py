"""Damage to heap graph files: blind, and with a hash computed again."""

from __future__ import annotations

import random

from google.protobuf.message import DecodeError, Message
from graph_writer import sealed

from ops_service.v1 import heap_graph_pb2 as pb

_ODD_NUMBERS = (0, 1, 2, 127, 128, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1)


def damaged(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A file with some of its bytes changed, moved, doubled or removed."""
    result = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(result) + 1)
        length = chance.choice((1, 2, 8, chance.randint(1, 400)))
        match chance.randrange(6):
            case 0 if place < len(result):
                result[place] ^= 1 << chance.randrange(8)
            case 1:
                result[place : place + length] = chance.randbytes(length)
            case 2:
                del result[place:]
            case 3:
                del result[place : place + length]
            case 4:
                result[place:place] = result[place : place + length]
            case 5:
                start = chance.randrange(len(other))
                result[place:] = other[start:]
    return bytes(result)


def contradictory(parts: list[pb.CaptureHeapSnapshotResponse], chance: random.Random) -> bytes:
    """A file whose messages parse and whose hash is right, but whose fields lie."""
    copies = [pb.CaptureHeapSnapshotResponse.FromString(p.SerializeToString()) for p in parts]
    for _ in range(chance.randint(1, 3)):
        part = chance.choice(copies)
        name = part.WhichOneof("part")
        if name is not None:
            _change(getattr(part, name), chance)
    if chance.random() < 0.1:
        copies.insert(chance.randrange(len(copies)), chance.choice(copies))
    if not copies[-1].HasField("trailer"):
        return b"".join(part.SerializeToString() for part in copies)
    return sealed(copies)


def resealed(data: bytes, chance: random.Random) -> bytes | None:
    """Change bytes of the messages, and compute the hash again. None if that leaves
    no messages."""
    position, parts = 0, []
    spoilt = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
    try:
        while position < len(spoilt):
            length, shift = 0, 0
            while True:
                byte = spoilt[position]
                position += 1
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            message = bytes(spoilt[position : position + length])
            parts.append(pb.CaptureHeapSnapshotResponse.FromString(message))
            position += length
    except (IndexError, DecodeError):
        return None
    return sealed(parts) if parts and parts[-1].HasField("trailer") else None


def _change(message: Message, chance: random.Random) -> None:
    """Change one field, of any kind."""
    field = chance.choice(message.DESCRIPTOR.fields)
    old = getattr(message, field.name)
    if field.message_type is not None:
        nested = list(old) if field.is_repeated else [old]
        if nested:
            _change(chance.choice(nested), chance)
        return
    if not field.is_repeated:
        _set(message, field.name, _value(field, old, chance))
        return
    values = list(old)
    match chance.randrange(4):
        case 0:
            values = values[: chance.randrange(len(values) + 1)]
        case 1:
            values *= 2
        case 2:
            values.insert(chance.randrange(len(values) + 1), _value(field, 0, chance))
        case _ if values:
            values[chance.randrange(len(values))] = _value(field, values[0], chance)
    _set(message, field.name, values)


def _set(message: Message, name: str, value: object) -> None:
    old = getattr(message, name)
    try:
        if isinstance(value, list):
            del old[:]
            old.extend(value)
        else:
            setattr(message, name, value)
    except (ValueError, TypeError):
        # Out of the field's range.
        return


def _value(field: object, old: object, chance: random.Random) -> object:
    if isinstance(old, str):
        return chance.choice(("", "\0", "x" * 5000, "\u2028"))
    if isinstance(old, bytes):
        return chance.randbytes(chance.choice((0, 1, 31, 32, 500)))
    if isinstance(old, bool):
        return not old
    if isinstance(old, int):
        return chance.choice((*_ODD_NUMBERS, old + 1, max(old - 1, 0), -1, chance.randrange(64)))
    return old
