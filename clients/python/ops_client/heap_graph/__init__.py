"""Read and analyze heap graph files. Needs NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops_client._lazy import lazy_names

if TYPE_CHECKING:
    from ops_client.heap_graph.census import TypeCount, count_types
    from ops_client.heap_graph.contents import Content, Contents, StringHashes
    from ops_client.heap_graph.difference import Difference, compare
    from ops_client.heap_graph.dominators import DominatorTree, find_dominators
    from ops_client.heap_graph.duplicates import Duplicate, find_duplicates
    from ops_client.heap_graph.holders import Holder, find_holders
    from ops_client.heap_graph.kinds import KindCount, count_kinds
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
    "Holder",
    "KindCount",
    "Path",
    "PathFinder",
    "StringHashes",
    "Suspect",
    "TypeCount",
    "compare",
    "count_kinds",
    "count_types",
    "find_dominators",
    "find_duplicates",
    "find_holders",
    "find_suspects",
    "read_heap_graph",
    "type_name",
]

# Loaded on first use: a conversion needs only a few of them, and takes a second.
_MODULES = {
    "Content": "contents",
    "Contents": "contents",
    "Difference": "difference",
    "DominatorTree": "dominators",
    "Duplicate": "duplicates",
    "HeapGraph": "model",
    "Holder": "holders",
    "KindCount": "kinds",
    "Path": "paths",
    "PathFinder": "paths",
    "StringHashes": "contents",
    "Suspect": "suspects",
    "TypeCount": "census",
    "compare": "difference",
    "count_kinds": "kinds",
    "count_types": "census",
    "find_dominators": "dominators",
    "find_duplicates": "duplicates",
    "find_holders": "holders",
    "find_suspects": "suspects",
    "read_heap_graph": "reader",
    "type_name": "model",
}

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
