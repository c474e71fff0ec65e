"""The object graph of a heap, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ops_service.v1 import heap_graph_pb2


@dataclass(frozen=True, slots=True)
class HeapGraph:
    """A heap snapshot in memory.

    Objects are numbered from 0 in the order of a breadth-first walk from the
    roots. The edges of object ``i`` stand at
    ``edge_starts[i]:edge_starts[i + 1]`` of the edge columns. About 29 bytes an
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


def type_name(heap_type: heap_graph_pb2.HeapType) -> str:
    """Module and qualified name of a type; builtins bare."""
    if heap_type.module:
        return f"{heap_type.module}.{heap_type.qualified_name}"
    return heap_type.qualified_name
