"""Converts plain Python data to google.protobuf.Value, within bounds."""

from __future__ import annotations

import math
from typing import Any

from google.protobuf.struct_pb2 import NULL_VALUE, Value

from ops_service.messages.basics import clean

_DEPTH = 20
_NODES = 20_000
_CHARACTERS = 1 << 20
_LARGEST_INTEGER = 1 << 53


class NotPlain(Exception):
    """The value is not plain data, or too large. The text says which."""


def plain_value(value: Any, *, bounded: bool = True) -> Value:
    """Convert a value of None, bool, numbers, strings, lists, tuples and dicts.

    Only values of exactly these types count, so no code of the application runs.

    Args:
        bounded: Check the size. False for a copy that is within bounds already.

    Raises:
        NotPlain: It contains any other type, or is too large.
    """
    message = Value()
    _ValueWriter(bounded).fill(message, value, _DEPTH)
    return message


class _ValueWriter:
    def __init__(self, bounded: bool) -> None:
        self._nodes: float = _NODES if bounded else math.inf
        self._characters: float = _CHARACTERS if bounded else math.inf

    def fill(self, message: Value, value: Any, depth: int) -> None:
        self._nodes -= 1
        if self._nodes < 0 or depth == 0:
            raise NotPlain("It is too large, or nested too deeply.")
        kind = type(value)
        if value is None:
            message.null_value = NULL_VALUE
        elif kind is bool:
            message.bool_value = value
        elif kind is str:
            message.string_value = self._text(value)
        elif kind is int:
            if abs(value) > _LARGEST_INTEGER:
                raise NotPlain("It contains an integer that JSON would round.")
            message.number_value = value
        elif kind is float:
            if not math.isfinite(value):
                raise NotPlain("It contains a number that JSON cannot represent.")
            message.number_value = value
        elif kind in (list, tuple):
            message.list_value.SetInParent()
            for item in list(value):
                self.fill(message.list_value.values.add(), item, depth - 1)
        elif kind is dict:
            message.struct_value.SetInParent()
            for key, item in value.copy().items():
                if type(key) is not str:
                    raise NotPlain("It contains a key that is not a string.")
                self.fill(message.struct_value.fields[self._text(key)], item, depth - 1)
        else:
            raise NotPlain("It contains objects that are not plain data.")

    def _text(self, text: str) -> str:
        self._characters -= len(text)
        if self._characters < 0:
            raise NotPlain("It is too large.")
        return clean(text)
