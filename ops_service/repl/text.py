"""Text of arbitrary objects, bounded while it is built, and safe to send."""

from __future__ import annotations

from typing import Any

from ops_service.repl.interruption import EvaluationInterrupted

# Deeper nesting is written as "...".
_MAX_DEPTH = 50

# The text of a larger int takes time that grows with the square of its length,
# in a C call that nothing can stop.
_MAX_INT_BITS = 50_000

_SEQUENCES: dict[type, tuple[str, str, str]] = {
    list: ("[", "]", "[]"),
    tuple: ("(", ")", "()"),
    set: ("{", "}", "set()"),
    frozenset: ("frozenset({", "})", "frozenset()"),
}


def cut(text: str, limit: int) -> tuple[str, bool]:
    """Cut a text to so many bytes of UTF-8, and tell whether that took anything away.

    Lone surrogates, which UTF-8 cannot hold, become escapes.
    """
    # Of each character at least one byte remains, so the rest is never encoded.
    data = text[: limit + 1].encode("utf-8", "backslashreplace")
    if len(data) <= limit:
        return data.decode(), False
    return data[:limit].decode("utf-8", "ignore"), True


def bounded_repr(value: object, limit: int) -> tuple[str, bool]:
    """The ``repr`` of a value, cut to so many bytes, and whether it was cut.

    Strings, bytes and the built-in containers are cut while the text is built,
    so a huge value costs no huge text. Of any other object ``repr`` builds the
    whole text first. A ``__repr__`` that raises leaves a placeholder.
    """
    writer = _Writer(limit)
    try:
        writer.value(value)
    except _Full:
        return cut("".join(writer.pieces), limit)[0], True
    return cut("".join(writer.pieces), limit)


def type_name(kind: type) -> str:
    """Module and qualified name of a type; builtins bare."""
    module = getattr(kind, "__module__", None)
    name = str(kind.__qualname__)
    return name if module == "builtins" or not isinstance(module, str) else f"{module}.{name}"


class _Full(Exception):
    pass


class _Writer:
    def __init__(self, limit: int) -> None:
        self.pieces: list[str] = []
        self._left = limit
        self._open: set[int] = set()

    def _write(self, text: str) -> None:
        if len(text) > self._left:
            self.pieces.append(text[: self._left])
            raise _Full
        self.pieces.append(text)
        self._left -= len(text)

    def value(self, value: Any) -> None:
        kind = type(value)
        if kind in (str, bytes, bytearray):
            # One more than fits, so that the cut is noticed.
            self._write(repr(value[: self._left + 1]))
        elif kind is int and value.bit_length() > _MAX_INT_BITS:
            self._write(f"<int of {value.bit_length()} bits>")
        elif kind in _SEQUENCES or kind is dict:
            self._container(value, kind)
        else:
            self._write(self._foreign(value))

    def _container(self, value: Any, kind: type) -> None:
        start, end, empty = _SEQUENCES.get(kind, ("{", "}", "{}"))
        if not value:
            self._write(empty)
            return
        if id(value) in self._open or len(self._open) >= _MAX_DEPTH:
            self._write(f"{start}...{end}")
            return
        self._open.add(id(value))
        self._write(start)
        try:
            for index, item in enumerate(value.items() if kind is dict else value):
                if index:
                    self._write(", ")
                if kind is dict:
                    self.value(item[0])
                    self._write(": ")
                    self.value(item[1])
                else:
                    self.value(item)
        except RuntimeError:
            # Other threads go on while this reads.
            self._write("<changed while it was read>")
        if kind is tuple and len(value) == 1:
            self._write(",")
        self._write(end)
        self._open.discard(id(value))

    def _foreign(self, value: Any) -> str:
        try:
            # A plain str, whatever subclass of it __repr__ returned.
            return str.__getitem__(repr(value), slice(0, self._left + 1))
        except EvaluationInterrupted:
            raise
        except BaseException as error:
            name = type_name(type(value))
            return (
                f"<{name} object at {id(value):#x}: its __repr__ raised {type_name(type(error))}>"
            )
