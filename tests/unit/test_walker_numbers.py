"""Numbers that the walker and Python share, with the extension and without."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ops_service.heap import walker as module
from ops_service.heap.model import ContentLevel
from ops_service.heap.paths import FIRST_NODE, EdgeKind, Root
from ops_service.v1 import heap_graph_pb2

ROOT = Path(__file__).resolve().parents[2]
ALL = """
import json, sys
sys.modules["ops_service.heap._walker"] = None
import ops_service.server.service
import ops_service.heap.child_handle
from ops_service.heap.engine import engine_status
from ops_service.heap.model import ContentLevel
from ops_service.heap.paths import FIRST_NODE, EdgeKind, Root
from ops_service.heap.referrers import StepKind
print(json.dumps({
    "edges": {each.name: each for each in EdgeKind},
    "levels": {each.name: each for each in ContentLevel},
    "roots": list(Root),
    "first": FIRST_NODE,
    "what": list(StepKind),
    "status": [engine_status().available, engine_status().reason],
}))
"""
EDGES = {
    name.removeprefix("EDGE_KIND_"): number
    for name, number in heap_graph_pb2.EdgeKind.items()
    if number
}
LEVELS = {
    name.removeprefix("CONTENT_LEVEL_"): number
    for name, number in heap_graph_pb2.ContentLevel.items()
    if number
}


def test_kinds_of_edges_and_content_levels_are_those_of_the_contract() -> None:
    assert {each.name: each.value for each in EdgeKind} == EDGES
    assert {each.name: each.value for each in ContentLevel} == LEVELS
    assert max(Root) < FIRST_NODE


def test_everything_imports_without_the_extension() -> None:
    command = [sys.executable, "-P", "-c", ALL]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)

    assert found["edges"] == EDGES
    assert found["levels"] == LEVELS
    assert len(set(found["roots"])) == len(Root)
    assert max(found["roots"]) < found["first"]
    assert len(set(found["what"])) == len(found["what"])
    available, reason = found["status"]
    assert not available
    assert "has no walker" in reason


def test_the_stand_in_has_numbers_alone() -> None:
    stand_in = module.NoWalker("")
    assert stand_in.STATUS_DONE == stand_in.STATUS_DONE != stand_in.STATUS_FAULT
    for name in ("start", "UNREADABLE", "__path__"):
        with pytest.raises(AttributeError):
            getattr(stand_in, name)


@pytest.mark.skipif(isinstance(module.walker, module.NoWalker), reason="no compiled walker")
def test_the_types_name_all_that_the_extension_has() -> None:
    tree = ast.parse((ROOT / "ops_service/heap/_walker.pyi").read_text())
    declared = {
        ast.unparse(node.target): ast.unparse(node.annotation)
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
    }
    exported = {
        name: type(value).__name__ for name, value in vars(module.walker).items() if name.isupper()
    }
    assert declared == exported
