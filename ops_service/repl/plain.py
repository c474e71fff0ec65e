"""Plain data copied within bounds, so that tools do not need to parse text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

# Deeper nesting would exceed the depth that protobuf's parsers accept.
_MAX_DEPTH = 16

# JSON and google.protobuf.Value store a number as a double, which is exact for every int
# up to this value.
_MAX_INT = 1 << 53

# Minimum size of one value on the wire.
_VALUE_BYTES = 4


@dataclass(frozen=True, slots=True)
class Plain:
    """Plain data: None, bool, int, float, str, lists and dicts with str keys of these."""

    data: Any


class _NotPlain(Exception):
    pass


def plain_copy(value: object, limit: int) -> Plain | None:
    """Copy a value if it is plain data within about ``limit`` bytes, else return None.

    Subclasses are not plain, because they may be anything. Tuples become lists.
    Runs no code of the value.
    """
    try:
        return Plain(_copy(value, _Room(limit), 0))
    except (_NotPlain, RuntimeError):
        # RuntimeError: it changed while it was read.
        return None


class _Room:
    def __init__(self, limit: int) -> None:
        self._left = limit

    def take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise _NotPlain


def _copy(value: Any, room: _Room, depth: int) -> Any:
    kind = type(value)
    room.take(_VALUE_BYTES)
    if value is None or kind is bool:
        return value
    if kind is int:
        if -_MAX_INT <= value <= _MAX_INT:
            return value
    elif kind is float:
        if math.isfinite(value):
            return value
    elif kind is str:
        return _text(value, room)
    elif depth < _MAX_DEPTH:
        if kind is list or kind is tuple:
            return [_copy(item, room, depth + 1) for item in value]
        if kind is dict:
            return {_key(k, room): _copy(v, room, depth + 1) for k, v in value.items()}
    raise _NotPlain


def _key(value: Any, room: _Room) -> str:
    if type(value) is not str:
        raise _NotPlain
    return _text(value, room)


def _text(value: str, room: _Room) -> str:
    room.take(len(value))
    try:
        room.take(len(value.encode()) - len(value))
    except UnicodeEncodeError:
        # A lone surrogate.
        raise _NotPlain from None
    return value
