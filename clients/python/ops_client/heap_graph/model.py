"""The object graph of a heap, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ops_client.heap_graph.contents import Contents, StringHashes
from ops_service.v1 import heap_graph_pb2

_CUT = "\N{HORIZONTAL ELLIPSIS}"
_TUPLE_DEPTH = 3
_TUPLE_ITEMS = 16


@dataclass(frozen=True, slots=True)
class HeapGraph:
    """A heap snapshot in memory.

    Objects are numbered from 0 in the order of a breadth-first walk from the
    roots. The edges of object ``i`` stand at
    ``edge_starts[i]:edge_starts[i + 1]`` of the edge columns. About 32 bytes an
    object and 9 an edge.
    """

    header: heap_graph_pb2.HeapGraphHeader
    trailer: heap_graph_pb2.HeapGraphTrailer
    types: tuple[heap_graph_pb2.HeapType, ...]
    names: tuple[str, ...]
    """Names of edges. The first is "" and stands for no name."""
    roots: tuple[heap_graph_pb2.HeapRoot, ...]
    """Descriptions of the synthetic nodes among the objects."""
    allocation_sites: tuple[heap_graph_pb2.AllocationSite, ...]
    """Lines that allocated objects. The first is empty and stands for none."""

    type_indexes: NDArray[np.uint32]
    """Index into ``types``, by object."""
    sizes: NDArray[np.uint64]
    """Bytes as ``sys.getsizeof`` counts, by object."""
    extra_sizes: NDArray[np.uint32]
    """Bytes that ``sys.getsizeof`` leaves out, by object."""
    ids: NDArray[np.uint32]
    """Stands for the address, by object: odd, or 0 for a synthetic node."""
    flags: NDArray[np.uint32]
    """The bits of ``HeapGraphBatch.flags``, by object."""
    site_indexes: NDArray[np.uint32]
    """Index into ``allocation_sites``, by object; empty if the header says that
    sites are not included."""
    edge_starts: NDArray[np.int64]
    """Where the edges of each object begin, and last where they all end."""

    edge_targets: NDArray[np.uint32]
    """Index of the object that is referred to, by edge."""
    edge_kinds: NDArray[np.uint8]
    """An ``EdgeKind``, by edge."""
    edge_names: NDArray[np.uint32]
    """Index into ``names``, by edge."""

    contents: Contents
    """What objects hold, as far as the header's content level goes."""
    string_hashes: StringHashes
    """Empty unless the header says that strings are hashed."""

    @property
    def object_count(self) -> int:
        """Objects, synthetic nodes included."""
        return len(self.sizes)

    @property
    def edge_count(self) -> int:
        """Edges."""
        return len(self.edge_targets)

    def edge_sources(self) -> NDArray[np.uint32]:
        """Index of the object that refers, by edge. Computed anew by each call."""
        objects = np.arange(self.object_count, dtype=np.uint32)
        return np.repeat(objects, np.diff(self.edge_starts))

    def content_text(self, index: int) -> str | None:
        """What an object holds, as text; None if the snapshot does not tell.

        A tuple is shown by its elements, as far as the snapshot tells these.
        """
        content = self.contents.of(index)
        return content.text() if content is not None else self._tuple_literal(index, 0)

    def _literal(self, index: int, depth: int) -> str | None:
        content = self.contents.of(index)
        if content is not None:
            return content.literal()
        return self._tuple_literal(index, depth + 1)

    def _tuple_literal(self, index: int, depth: int) -> str | None:
        heap_type = self.types[self.type_indexes[index]]
        if (heap_type.module, heap_type.qualified_name) != ("", "tuple") or depth > _TUPLE_DEPTH:
            return None
        first, last = int(self.edge_starts[index]), int(self.edge_starts[index + 1])
        shown = [
            self._literal(target, depth)
            for target in self.edge_targets[first : min(last, first + _TUPLE_ITEMS)].tolist()
        ]
        if shown and all(each is None for each in shown):
            return None
        parts = [_CUT if each is None else each for each in shown]
        if last - first > _TUPLE_ITEMS:
            parts.append(_CUT)
        return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"

    def key_of(self, edge: int) -> int | None:
        """For an edge to a value of a dictionary: index of its key. None for others."""
        # The edge to its key stands before it, unless it is its object's first.
        is_first = self.edge_starts[np.searchsorted(self.edge_starts, edge)] == edge
        if is_first or self.edge_kinds[edge - 1] != heap_graph_pb2.EDGE_KIND_KEY:
            return None
        return int(self.edge_targets[edge - 1])


def type_name(heap_type: heap_graph_pb2.HeapType) -> str:
    """Module and qualified name of a type; builtins bare."""
    if heap_type.module:
        return f"{heap_type.module}.{heap_type.qualified_name}"
    return heap_type.qualified_name
