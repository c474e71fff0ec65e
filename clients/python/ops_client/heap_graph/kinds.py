"""Objects of a heap by kind, with the kinds of ``GetMemory``."""

from __future__ import annotations

from dataclasses import dataclass

from ops_client.heap_graph.census import count_types
from ops_client.heap_graph.model import HeapGraph
from ops_service.v1 import heap_graph_pb2 as pb
from ops_service.v1 import memory_pb2

# The host uses the same names; a contract test compares them.
_TYPES = {
    memory_pb2.OBJECT_KIND_TEXT_AND_BYTES: "str bytes bytearray",
    memory_pb2.OBJECT_KIND_CONTAINER: """
        dict list tuple set frozenset mappingproxy collections.deque collections.OrderedDict
        collections.defaultdict collections.Counter collections.ChainMap
    """,
    memory_pb2.OBJECT_KIND_NUMBER: """
        int float complex bool decimal.Decimal fractions.Fraction
    """,
    memory_pb2.OBJECT_KIND_CODE: """
        code function builtin_function_or_method method method-wrapper cell frame generator
        coroutine async_generator property staticmethod classmethod wrapper_descriptor
        method_descriptor classmethod_descriptor getset_descriptor member_descriptor traceback
        functools.partial functools._lru_cache_wrapper functools.cached_property
    """,
    memory_pb2.OBJECT_KIND_TYPE_AND_MODULE: """
        type module abc.ABCMeta enum.EnumType typing._ProtocolMeta
    """,
    memory_pb2.OBJECT_KIND_ARRAY_AND_BUFFER: """
        array.array memoryview mmap.mmap numpy.ndarray _io.BytesIO _io.StringIO
    """,
}
_KINDS = {name: kind for kind, names in _TYPES.items() for name in names.split()}


@dataclass(frozen=True, slots=True)
class KindCount:
    """Objects of one kind."""

    kind: memory_pb2.ObjectKind
    count: int
    size: int
    """Bytes, the sum of both size columns."""


def kind_of(type_name: str) -> memory_pb2.ObjectKind:
    """Return the kind of a type's instances. Names have a module, except builtins."""
    found = _KINDS.get(type_name)
    if found is not None:
        return found
    return memory_pb2.OBJECT_KIND_INSTANCE if "." in type_name else memory_pb2.OBJECT_KIND_OTHER


def count_kinds(graph: HeapGraph, *, include_ops_service: bool = False) -> list[KindCount]:
    """Count objects and bytes by kind, largest first. Roots and frames do not count.

    Args:
        graph: The heap.
        include_ops_service: Whether to also count what only ``ops_service`` itself holds.
    """
    sums: dict[memory_pb2.ObjectKind, list[int]] = {}
    for row in count_types(graph, include_ops_service=include_ops_service):
        if graph.types[row.type_index].kind == pb.HEAP_TYPE_KIND_SYNTHETIC:
            continue
        both = sums.setdefault(kind_of(row.type_name), [0, 0])
        both[0] += row.count
        both[1] += row.size
    found = [KindCount(kind, count, size) for kind, (count, size) in sums.items()]
    return sorted(found, key=lambda each: -each.size)


def kind_name(kind: memory_pb2.ObjectKind) -> str:
    """Return the name of a kind for display."""
    name: str = memory_pb2.ObjectKind.Name(kind)
    return name.removeprefix("OBJECT_KIND_").lower().replace("_", " ")
