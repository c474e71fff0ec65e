"""Text of arbitrary objects, bounded while it is built, and safe to send."""

from __future__ import annotations

import array
import collections
import contextlib
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ops_service.repl.interruption import EvaluationInterrupted
from ops_service.repl.types import (
    bare_name,
    find_in_type,
    mro,
    names_of,
    qualified_name,
    type_name,
)

# Deeper nesting becomes "...".
_MAX_DEPTH = 50

# Formatting a larger int takes time that grows with the square of its length, in a C
# call that nothing can stop.
_MAX_INT_BITS = 50_000


def cut(text: str, limit: int) -> tuple[str, bool]:
    """Cut a text to ``limit`` bytes of UTF-8. Return it, and whether it was cut.

    Lone surrogates, which UTF-8 cannot hold, become escapes.
    """
    # Each character takes at least one byte, so the rest is never encoded.
    data = text[: limit + 1].encode("utf-8", "backslashreplace")
    if len(data) <= limit:
        return data.decode(), False
    return data[:limit].decode("utf-8", "ignore"), True


def bounded_repr(value: object, limit: int) -> tuple[str, bool]:
    """The ``repr`` of a value, cut to ``limit`` bytes of UTF-8, and whether it was cut.

    Strings, bytes, containers, arrays, dataclasses and named tuples are cut while
    the text is built, so a huge value does not cost a huge text. The same applies to
    subclasses that inherit ``__repr__``. For any other object ``repr`` builds the whole
    text first. If ``__repr__`` raises, the text is a placeholder.
    """
    writer = _Writer(limit)
    try:
        writer.value(value)
    except _Full:
        return cut("".join(writer.pieces), limit)[0], True
    return cut("".join(writer.pieces), limit)


def bounded_message(error: BaseException, limit: int) -> str:
    """The text of an exception, cut to ``limit`` bytes of UTF-8.

    Raises:
        BaseException: Any exception that its ``__str__`` raises.
    """
    how = find_in_type(type(error), "__str__")
    arguments = BaseException.args.__get__(error)  # type: ignore[attr-defined]
    if len(arguments) == 1:
        (only,) = arguments
        if how is KeyError.__str__ or (how is BaseException.__str__ and type(only) is not str):
            return (
                bounded_repr(only, limit)[0] if _writes_itself(only) else cut(str(error), limit)[0]
            )
        if how is BaseException.__str__:
            return cut(only, limit)[0]
    return cut(str.__str__(str(error)), limit)[0]


def _writes_itself(value: object) -> bool:
    return find_in_type(type(value), "__repr__") in _WRITERS


class _Full(Exception):
    pass


class _Writer:
    def __init__(self, limit: int) -> None:
        self.pieces: list[str] = []
        self.left = limit
        self._open: set[int] = set()

    def write(self, text: str) -> None:
        if len(text) > self.left:
            self.pieces.append(text[: self.left])
            raise _Full
        self.pieces.append(text)
        self.left -= len(text)

    def value(self, value: Any) -> None:
        # Look up by the type's __repr__, so a subclass without its own __repr__ is
        # written like its base.
        how = find_in_type(type(value), "__repr__")
        try:
            write = _WRITERS.get(how) or _generated(type(value), how)
        except TypeError:
            write = None
        if write is None:
            self.write(self.foreign(value))
        elif id(value) in self._open or len(self._open) >= _MAX_DEPTH:
            self.write(_ELLIPSES.get(how, "..."))
        else:
            self._open.add(id(value))
            write(self, value)
            self._open.discard(id(value))

    def items(self, start: str, items: Iterable[Any], end: str) -> None:
        self.write(start)
        self._separated(self.value, items)
        self.write(end)

    def pairs(self, start: str, items: Iterable[tuple[Any, Any]], end: str) -> None:
        def pair(item: tuple[Any, Any]) -> None:
            self.value(item[0])
            self.write(": ")
            self.value(item[1])

        self.write(start)
        self._separated(pair, items)
        self.write(end)

    def fields(self, name: str, items: Iterable[tuple[str, Any]]) -> None:
        def field(item: tuple[str, Any]) -> None:
            self.write(f"{item[0]}=")
            self.value(item[1])

        self.write(f"{name}(")
        self._separated(field, items)
        self.write(")")

    def _separated(self, write: Callable[[Any], None], items: Iterable[Any]) -> None:
        try:
            for index, item in enumerate(items):
                if index:
                    self.write(", ")
                write(item)
        except RuntimeError:
            # Other threads run while this reads.
            self.write("<changed while it was read>")

    def foreign(self, value: Any) -> str:
        """The result of ``repr``, or a placeholder if it raises."""
        try:
            # Make it a plain str, since __repr__ may return a subclass.
            return str.__getitem__(repr(value), slice(0, self.left + 1))
        except EvaluationInterrupted:
            raise
        except BaseException as error:
            name = type_name(type(value))
            return (
                f"<{name} object at {id(value):#x}: its __repr__ raised {type_name(type(error))}>"
            )


# ---- one function for each kind; none runs code of the value's type -------------------


def _string(kind: Any) -> Callable[[_Writer, Any], None]:
    def write(writer: _Writer, value: Any) -> None:
        # One character more than fits, so that the cut is noticed.
        writer.write(kind.__repr__(kind.__getitem__(value, slice(0, writer.left + 1))))

    return write


def _int(writer: _Writer, value: int) -> None:
    bits = int.bit_length(value)
    writer.write(f"<int of {bits} bits>" if bits > _MAX_INT_BITS else int.__repr__(value))


def _list(writer: _Writer, value: list[Any]) -> None:
    writer.items("[", list.__iter__(value), "]")


def _tuple(writer: _Writer, value: tuple[Any, ...]) -> None:
    end = ",)" if tuple.__len__(value) == 1 else ")"
    writer.items("(", tuple.__iter__(value), end)


def _set(kind: Any) -> Callable[[_Writer, Any], None]:
    def write(writer: _Writer, value: Any) -> None:
        name = bare_name(type(value))
        if not kind.__len__(value):
            writer.write(f"{name}()")
        elif type(value) is set:
            writer.items("{", set.__iter__(value), "}")
        else:
            writer.items(f"{name}({{", kind.__iter__(value), "})")

    return write


def _dict(writer: _Writer, value: dict[Any, Any]) -> None:
    writer.pairs("{", iter(dict.items(value)), "}")


def _deque(writer: _Writer, value: collections.deque[Any]) -> None:
    maxlen = vars(collections.deque)["maxlen"].__get__(value)
    end = "])" if maxlen is None else f"], maxlen={maxlen})"
    writer.items(f"{bare_name(type(value))}([", collections.deque.__iter__(value), end)


def _ordered(writer: _Writer, value: collections.OrderedDict[Any, Any]) -> None:
    name = bare_name(type(value))
    if not dict.__len__(value):
        writer.write(f"{name}()")
    elif sys.version_info >= (3, 12):
        writer.pairs(f"{name}({{", iter(dict.items(value)), "})")
    else:
        writer.items(f"{name}([", iter(dict.items(value)), "])")


def _default(writer: _Writer, value: collections.defaultdict[Any, Any]) -> None:
    writer.write(f"{bare_name(type(value))}(")
    writer.value(vars(collections.defaultdict)["default_factory"].__get__(value))
    writer.pairs(", {", iter(dict.items(value)), "})")


def _counter(writer: _Writer, value: collections.Counter[Any]) -> None:
    name = bare_name(type(value))
    if not dict.__len__(value):
        writer.write(f"{name}()")
        return
    items = list(dict.items(value))
    with contextlib.suppress(TypeError):
        items.sort(key=lambda item: item[1], reverse=True)
    writer.pairs(f"{name}({{", items, "})")


def _exception(writer: _Writer, value: BaseException) -> None:
    arguments = BaseException.args.__get__(value)  # type: ignore[attr-defined]
    writer.items(f"{bare_name(type(value))}(", arguments, ")")


def _view(writer: _Writer, value: Any) -> None:
    writer.items(f"{bare_name(type(value))}([", iter(value), "])")


def _namespace(writer: _Writer, value: types.SimpleNamespace) -> None:
    name = "namespace" if type(value) is types.SimpleNamespace else bare_name(type(value))
    writer.fields(name, iter(dict.items(vars(value))))


def _array(writer: _Writer, value: array.array[Any]) -> None:
    code = vars(array.array)["typecode"].__get__(value)
    if code in "uw":
        # Arrays of characters are rare, so ``repr`` writes them.
        writer.write(writer.foreign(value))
        return
    # More items than fit: each takes more than one character.
    start = array.array.__getitem__(value, slice(0, writer.left))
    writer.write(f"{bare_name(type(value))}({code!r}")
    if start:
        writer.items(", [", array.array.__iter__(start), "]")
    writer.write(")")


def _mapping_proxy(writer: _Writer, value: types.MappingProxyType[Any, Any]) -> None:
    items = value.items()
    if type(items) is type({}.items()):
        writer.pairs("mappingproxy({", iter(items), "})")
    else:
        # A proxy of another mapping: its text contains that mapping's own text.
        writer.write(writer.foreign(value))


def _wrapper(kind: Any) -> Callable[[_Writer, Any], None]:
    def write(writer: _Writer, value: Any) -> None:
        held = vars(kind)["__dict__"].__get__(value)
        if "data" in held:
            writer.value(held["data"])
        else:
            writer.write(writer.foreign(value))

    return write


_WRITERS: dict[Any, Callable[[_Writer, Any], None]] = {
    str.__repr__: _string(str),
    bytes.__repr__: _string(bytes),
    bytearray.__repr__: _string(bytearray),
    int.__repr__: _int,
    list.__repr__: _list,
    tuple.__repr__: _tuple,
    set.__repr__: _set(set),
    frozenset.__repr__: _set(frozenset),
    dict.__repr__: _dict,
    collections.deque.__repr__: _deque,
    collections.OrderedDict.__repr__: _ordered,
    collections.defaultdict.__repr__: _default,
    collections.Counter.__repr__: _counter,
    types.SimpleNamespace.__repr__: _namespace,
    types.MappingProxyType.__repr__: _mapping_proxy,
    array.array.__repr__: _array,
    collections.UserDict.__repr__: _wrapper(collections.UserDict),
    collections.UserList.__repr__: _wrapper(collections.UserList),
    BaseException.__repr__: _exception,
    type({}.keys()).__repr__: _view,
    type({}.values()).__repr__: _view,
    type({}.items()).__repr__: _view,
}

_ELLIPSES: dict[Any, str] = {
    list.__repr__: "[...]",
    tuple.__repr__: "(...)",
    dict.__repr__: "{...}",
    set.__repr__: "set(...)",
    frozenset.__repr__: "frozenset(...)",
    collections.deque.__repr__: "[...]",
}


def _generated(kind: type, how: Any) -> Callable[[_Writer, Any], None] | None:
    """The writer for an object whose ``__repr__`` the standard library generated."""
    code = getattr(getattr(how, "__wrapped__", how), "__code__", None)
    if not isinstance(code, types.CodeType):
        return None
    if code.co_qualname == "namedtuple.<locals>.__repr__":
        return _named_tuple
    if code.co_filename == "<string>" and code.co_name == "__repr__":
        for base in mro(kind):
            if names_of(base).get("__repr__") is how and "__dataclass_fields__" in names_of(base):
                return _dataclass(names_of(base)["__dataclass_fields__"])
    return None


def _named_tuple(writer: _Writer, value: Any) -> None:
    fields: Any = find_in_type(type(value), "_fields")
    writer.fields(bare_name(type(value)), zip(fields, tuple.__iter__(value), strict=False))


def _dataclass(fields: dict[str, Any]) -> Callable[[_Writer, Any], None]:
    def write(writer: _Writer, value: Any) -> None:
        def each() -> Iterator[tuple[str, Any]]:
            for name, field in fields.items():
                if field.repr and field._field_type.name == "_FIELD":
                    yield name, getattr(value, name)

        try:
            writer.fields(qualified_name(type(value)), each())
        except AttributeError as error:
            writer.write(f"<its __repr__ raised {type_name(type(error))}>")

    return write
