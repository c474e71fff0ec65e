"""Plain data of Python as google.protobuf.Value, within bounds."""

from __future__ import annotations

import math
from typing import Any

from google.protobuf.struct_pb2 import NULL_VALUE, Value

_DEPTH = 20
_NODES = 20_000
_CHARACTERS = 1 << 20
_LARGEST_INTEGER = 1 << 53


class NotPlain(Exception):
    """The value is not plain data, or too large. The text says which."""


def plain_value(value: Any) -> Value:
    """A value that consists of None, bool, numbers, strings, lists, tuples and dicts.

    Only values of exactly these types count, so no code of the application runs.

    Raises:
        NotPlain: It holds anything else, or too much.
    """
    return _Writer().write(value, _DEPTH)


class _Writer:
    def __init__(self) -> None:
        self._nodes = _NODES
        self._characters = _CHARACTERS

    def write(self, value: Any, depth: int) -> Value:
        self._nodes -= 1
        if self._nodes < 0 or depth == 0:
            raise NotPlain("It is too large, or too deep.")
        kind = type(value)
        if value is None:
            return Value(null_value=NULL_VALUE)
        if kind is bool:
            return Value(bool_value=value)
        if kind is str:
            return Value(string_value=self._text(value))
        if kind is int:
            if abs(value) > _LARGEST_INTEGER:
                raise NotPlain("It holds a whole number that JSON would round.")
            return Value(number_value=value)
        if kind is float:
            if not math.isfinite(value):
                raise NotPlain("It holds a number that JSON does not have.")
            return Value(number_value=value)
        message = Value()
        if kind in (list, tuple):
            message.list_value.SetInParent()
            for item in list(value):
                message.list_value.values.append(self.write(item, depth - 1))
            return message
        if kind is dict:
            message.struct_value.SetInParent()
            for key, item in value.copy().items():
                if type(key) is not str:
                    raise NotPlain("It holds a key that is no string.")
                message.struct_value.fields[self._text(key)].CopyFrom(self.write(item, depth - 1))
            return message
        raise NotPlain("It holds objects that are no plain data.")

    def _text(self, text: str) -> str:
        self._characters -= len(text)
        if self._characters < 0:
            raise NotPlain("It is too large.")
        return text.encode("utf-8", "backslashreplace").decode()
