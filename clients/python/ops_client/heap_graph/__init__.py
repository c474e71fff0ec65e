"""Heap graph files: reading them, and what they hold. Needs NumPy."""

from ops_client.heap_graph.contents import Content, Contents, StringHashes
from ops_client.heap_graph.model import HeapGraph, type_name
from ops_client.heap_graph.reader import read_heap_graph

__all__ = [
    "Content",
    "Contents",
    "HeapGraph",
    "StringHashes",
    "read_heap_graph",
    "type_name",
]
