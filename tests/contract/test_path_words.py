"""Host and client import nothing from each other, but write a path in the same words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ops_client import _path_words
from ops_client.heap_graph import paths as client
from ops_service.heap import path_text as host
from ops_service.heap.paths import EdgeKind
from ops_service.v1 import heap_graph_pb2 as pb

ROOTS = {
    pb.HEAP_ROOT_KIND_INTERPRETER: host.INTERPRETER,
    pb.HEAP_ROOT_KIND_THREAD: host.THREAD,
    pb.HEAP_ROOT_KIND_OPS_SERVICE: host.OWN,
    pb.HEAP_ROOT_KIND_HELD_BY_C: host.HELD_BY_C,
    pb.HEAP_ROOT_KIND_OTHER_INTERPRETER: host.OTHER_INTERPRETER,
}
KINDS = [each for each in EdgeKind if each != EdgeKind.WEAK]


def test_roots_have_the_same_words() -> None:
    assert {kind: _path_words.path_start(pb.HeapRoot(kind=kind)) for kind in ROOTS} == ROOTS
    start = _path_words.unnamed_start("shop.Order", is_garbage=True)
    assert start == f"{host.GARBAGE} -> shop.Order"
    assert _path_words.FOLDED == host.FOLDED


class Graph:
    """One reference, from an object of a type to a ``shop.Order``."""

    def __init__(self, kind: int, name: str, source_type: str) -> None:
        self.edge_kinds = np.array([kind])
        self.edge_names = np.array([1 if name else 0])
        self.names = ["", name]
        self.type_indexes = np.array([0, 1])
        self.type_names = [source_type, "shop.Order"]


def by_client(graph: Graph, *, first: bool) -> str:
    finder: Any = object.__new__(client.PathFinder)
    finder._graph, finder._type_names, finder._roots = graph, graph.type_names, {}
    finder.label = lambda target: graph.type_names[target]
    text: str = finder._step(0, 0, 1, first, folded=True)
    return text


@pytest.mark.parametrize("source", ["dict", "list", "frame", "generator", "function", "shop.Cart"])
@pytest.mark.parametrize("name", ["", "orders", "__dict__"])
# A path begins with a reference from a root.
@pytest.mark.parametrize(("kind", "first"), [(EdgeKind.ROOT, True), *((k, False) for k in KINDS)])
def test_a_step_has_the_same_words(kind: EdgeKind, name: str, source: str, first: bool) -> None:
    expected = host.edge_text(kind, name, "shop.Order", source, first=first)
    assert by_client(Graph(kind, name, source), first=first) == expected
