"""Kinds of live objects, by the names of their types."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class ObjectKind(enum.Enum):
    """Kind of an object."""

    TEXT_AND_BYTES = "text and bytes"
    CONTAINER = "containers"
    NUMBER = "numbers"
    CODE = "code and functions"
    TYPE_AND_MODULE = "types and modules"
    INSTANCE = "instances"
    ARRAY_AND_BUFFER = "arrays and buffers"
    OTHER = "other"


_TYPES = {
    ObjectKind.TEXT_AND_BYTES: "str bytes bytearray",
    ObjectKind.CONTAINER: """
        dict list tuple set frozenset mappingproxy collections.deque collections.OrderedDict
        collections.defaultdict collections.Counter collections.ChainMap
    """,
    ObjectKind.NUMBER: "int float complex bool decimal.Decimal fractions.Fraction",
    ObjectKind.CODE: """
        code function builtin_function_or_method method method-wrapper cell frame generator
        coroutine async_generator property staticmethod classmethod wrapper_descriptor
        method_descriptor classmethod_descriptor getset_descriptor member_descriptor traceback
        functools.partial functools._lru_cache_wrapper functools.cached_property
    """,
    ObjectKind.TYPE_AND_MODULE: "type module abc.ABCMeta enum.EnumType typing._ProtocolMeta",
    ObjectKind.ARRAY_AND_BUFFER: """
        array.array memoryview mmap.mmap numpy.ndarray _io.BytesIO _io.StringIO
    """,
}
_KINDS = {name: kind for kind, names in _TYPES.items() for name in names.split()}


class TypeRow(Protocol):
    """The fields that are read of a census row."""

    @property
    def type_name(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def total_size(self) -> int: ...
    @property
    def extra_size(self) -> int: ...
    @property
    def size_estimated(self) -> bool: ...


@dataclass(slots=True)
class KindSum:
    """Live objects of one kind. Sizes in bytes."""

    kind: ObjectKind
    count: int = 0
    total_size: int = 0
    """As ``sys.getsizeof`` counts."""
    extra_size: int = 0
    """What ``sys.getsizeof`` leaves out: attribute values stored inline."""
    size_estimated: bool = False


def kind_of(type_name: str) -> ObjectKind:
    """The kind of a type's instances.

    Args:
        type_name: Module and qualified name; for a builtin the name alone.
    """
    found = _KINDS.get(type_name)
    if found is not None:
        return found
    return ObjectKind.INSTANCE if "." in type_name else ObjectKind.OTHER


def sum_kinds(rows: Iterable[TypeRow]) -> list[KindSum]:
    """Sum a census by kind, largest first. Every kind appears once."""
    sums = {kind: KindSum(kind) for kind in ObjectKind}
    for row in rows:
        each = sums[kind_of(row.type_name)]
        each.count += row.count
        each.total_size += row.total_size
        each.extra_size += row.extra_size
        each.size_estimated |= row.size_estimated
    return sorted(sums.values(), key=lambda each: -each.total_size)
