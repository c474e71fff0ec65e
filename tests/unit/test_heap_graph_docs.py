"""The examples and statements in docs/reference/heap-graph.md are true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_writer import Graph, Node, file_bytes

from ops_client.heap_graph import HeapGraph, PathFinder, find_dominators, read_heap_graph
from ops_service.v1 import heap_graph_pb2 as pb

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/heap-graph.md"
TYPES = [
    pb.HeapType(qualified_name="modules", kind=pb.HEAP_TYPE_KIND_SYNTHETIC),
    pb.HeapType(qualified_name="module", kind=pb.HEAP_TYPE_KIND_PYTHON),
    pb.HeapType(qualified_name="list", kind=pb.HEAP_TYPE_KIND_PYTHON),
]
NODES = [
    Node(0, 0, 0, 4, edges=[(1, pb.EDGE_KIND_ROOT, 1)]),
    Node(1, 100, 11, edges=[(2, pb.EDGE_KIND_ATTRIBUTE, 2)]),
    Node(2, 5000, 13),
]
ROOTS = [pb.HeapRoot(object_index=0, kind=pb.HEAP_ROOT_KIND_MODULES)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A heap graph under the name that the page uses."""
    path = tmp_path / "web.heap"
    path.write_bytes(file_bytes(Graph(TYPES, ["shop", "ITEMS"], NODES, ROOTS)))
    return path


def test_the_example_runs(file: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)

    run = subprocess.run(
        [sys.executable, "-c", example], cwd=file.parent, capture_output=True, text=True
    )

    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == "5100 sys.modules (sys.modules)\n"


def test_arrays_are_as_the_page_says(file: Path) -> None:
    graph = read_heap_graph(file)
    tree, paths = find_dominators(graph), PathFinder(graph)
    names: dict[str, Any] = {"graph": graph, "tree": tree, "paths": paths}
    lengths = {
        "n": graph.object_count,
        "n + 1": graph.object_count + 1,
        "m": graph.edge_count,
        "t": len(graph.types),
    }
    rows = re.findall(
        r"^\| (`[gt][a-z]+\..+?) \| ([nmt][^|]*?), ([^|]+) \|", PAGE.read_text(), re.M
    )
    checked = 0
    for whose, shape, kinds in rows:
        members = re.findall(r"`(\w+)\.(\w+)`", whose)
        # One type for all of them, or one for each.
        dtypes = kinds.split(" and ") * (1 if " and " in kinds else len(members))
        for (owner, name), dtype in zip(members, dtypes, strict=True):
            array = getattr(names[owner], name)
            assert array.shape == (lengths[shape],), name
            assert array.dtype == np.dtype(dtype), name
            # The same array each time, not a copy.
            assert getattr(names[owner], name) is array
            checked += 1
    assert checked == 13


def test_a_graph_is_as_large_as_it_is_said_to_be(file: Path) -> None:
    graph = read_heap_graph(file)
    said = HeapGraph.__doc__ or ""
    [(of_object, of_edge)] = re.findall(r"about (\d+) bytes per object and (\d+) per edge", said)
    objects = ("type_indexes", "sizes", "extra_sizes", "ids", "flags", "edge_starts")
    edges = ("edge_targets", "edge_kinds", "edge_names")

    assert sum(getattr(graph, name).itemsize for name in objects) == int(of_object)
    assert sum(getattr(graph, name).itemsize for name in edges) == int(of_edge)
