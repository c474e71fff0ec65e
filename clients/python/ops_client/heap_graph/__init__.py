"""Heap graph files: reading them, and what they hold. Needs NumPy."""

from ops_client.heap_graph.contents import Content, Contents, StringHashes
from ops_client.heap_graph.dominators import DominatorTree, find_dominators
from ops_client.heap_graph.model import HeapGraph, type_name
from ops_client.heap_graph.reader import read_heap_graph

__all__ = [
    "Content",
    "Contents",
    "DominatorTree",
    "HeapGraph",
    "StringHashes",
    "find_dominators",
    "read_heap_graph",
    "type_name",
]
