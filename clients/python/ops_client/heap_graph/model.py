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

    Objects are numbered from 0 in the order of a breadth-first walk from the roots. The
    edges of object ``i`` are at ``edge_starts[i]:edge_starts[i + 1]`` in the edge columns.
    Takes about 32 bytes per object and 9 per edge.
    """

    header: heap_graph_pb2.HeapGraphHeader
    trailer: heap_graph_pb2.HeapGraphTrailer
    types: tuple[heap_graph_pb2.HeapType, ...]
    names: tuple[str, ...]
    """Names of edges. The first is "" and means no name."""
    roots: tuple[heap_graph_pb2.HeapRoot, ...]
    """Descriptions of the synthetic nodes among the objects."""
    allocation_sites: tuple[heap_graph_pb2.AllocationSite, ...]
    """Lines that allocated objects. The first is empty and means no line."""

    type_indexes: NDArray[np.uint32]
    """Index into ``types``, per object."""
    sizes: NDArray[np.uint64]
    """Bytes as ``sys.getsizeof`` counts, per object."""
    extra_sizes: NDArray[np.uint32]
    """Bytes that ``sys.getsizeof`` leaves out, per object."""
    ids: NDArray[np.uint32]
    """Id that stands for the address, per object: odd, or 0 for a synthetic node."""
    flags: NDArray[np.uint32]
    """The bits of ``HeapGraphBatch.flags``, per object."""
    site_indexes: NDArray[np.uint32]
    """Index into ``allocation_sites``, per object; empty if the header says that
    sites are not included."""
    edge_starts: NDArray[np.int64]
    """Start of each object's edges, then the end of all edges."""

    edge_targets: NDArray[np.uint32]
    """Index of the referenced object, per edge."""
    edge_kinds: NDArray[np.uint8]
    """An ``EdgeKind``, per edge."""
    edge_names: NDArray[np.uint32]
    """Index into ``names``, per edge."""

    contents: Contents
    """Contents of objects, up to the header's content level."""
    string_hashes: StringHashes
    """Empty unless the header says that strings are hashed."""

    @property
    def object_count(self) -> int:
        """Number of objects, including synthetic nodes."""
        return len(self.sizes)

    @property
    def edge_count(self) -> int:
        """Number of edges."""
        return len(self.edge_targets)

    def edge_sources(self) -> NDArray[np.uint32]:
        """Return the index of the referring object, per edge. Each call computes it again."""
        objects = np.arange(self.object_count, dtype=np.uint32)
        return np.repeat(objects, np.diff(self.edge_starts))

    def content_text(self, index: int) -> str | None:
        """Return the content of an object as text; None if the snapshot does not have it.

        A tuple shows its elements, as far as the snapshot has their contents.
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
        """Return the key's index for an edge to a dictionary value; None for other edges."""
        # The edge to its key is the one before, unless this is its object's first edge.
        is_first = self.edge_starts[np.searchsorted(self.edge_starts, edge)] == edge
        if is_first or self.edge_kinds[edge - 1] != heap_graph_pb2.EDGE_KIND_KEY:
            return None
        return int(self.edge_targets[edge - 1])


def type_name(heap_type: heap_graph_pb2.HeapType) -> str:
    """Return the module and qualified name of a type; builtins without a module."""
    if heap_type.module:
        return f"{heap_type.module}.{heap_type.qualified_name}"
    return heap_type.qualified_name
