"""Heap graph files: reading them, and what they hold. Needs NumPy."""

from ops_client.heap_graph.census import TypeCount, count_types
from ops_client.heap_graph.contents import Content, Contents, StringHashes
from ops_client.heap_graph.difference import Difference, compare, find_holders
from ops_client.heap_graph.dominators import DominatorTree, find_dominators
from ops_client.heap_graph.duplicates import Duplicate, find_duplicates
from ops_client.heap_graph.model import HeapGraph, type_name
from ops_client.heap_graph.paths import Path, PathFinder
from ops_client.heap_graph.reader import read_heap_graph
from ops_client.heap_graph.suspects import Suspect, find_suspects

__all__ = [
    "Content",
    "Contents",
    "Difference",
    "DominatorTree",
    "Duplicate",
    "HeapGraph",
    "Path",
    "PathFinder",
    "StringHashes",
    "Suspect",
    "TypeCount",
    "compare",
    "count_types",
    "find_dominators",
    "find_duplicates",
    "find_holders",
    "find_suspects",
    "read_heap_graph",
    "type_name",
]
