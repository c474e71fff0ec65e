"""Lines that allocated objects, from tracemalloc in the host to a file for DevTools."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fix_certs import Identity
from fix_host import StartHost
from fix_opsctl import Opsctl, environment_of

from ops_client.heap_graph import read_heap_graph
from ops_service.v1 import heap_graph_pb2

PLANT = """
class Planted:
    pass
def plant():
    return [Planted() for _ in range(50)]
planted = plant()
"""
# The line of the list in PLANT, in the code as the host compiles it.
LINE = 5


@pytest.mark.long
def test_sites_come_to_the_file_and_to_devtools(
    start_host: StartHost, admin: Identity, opsctl: Opsctl, tmp_path: Path
) -> None:
    host = start_host(environment={"PYTHONTRACEMALLOC": "1"})
    host.run(PLANT)
    file, converted = tmp_path / "host.heap", tmp_path / "host.heapsnapshot"
    done = opsctl("heap", "capture", "-o", file, env=environment_of(host.address, admin))
    assert done.returncode == 0, done.stderr
    done = opsctl("heap", "convert", file, converted)
    assert done.returncode == 0, done.stderr

    graph = read_heap_graph(file)
    document = json.loads(converted.read_text("utf-8"))
    if sys.version_info < (3, 12):
        assert graph.header.allocation_sites == heap_graph_pb2.ALLOCATION_SITES_OUT_OF_REACH
        assert document["trace_tree"] == []
        return
    assert graph.header.allocation_sites == heap_graph_pb2.ALLOCATION_SITES_INCLUDED

    strings, meta = document["strings"], document["snapshot"]["meta"]
    width = len(meta["node_fields"])
    name, trace = (meta["node_fields"].index(each) for each in ("name", "trace_node_id"))
    nodes = document["nodes"]
    traces = {
        nodes[place + trace]
        for place in range(0, len(nodes), width)
        if strings[nodes[place + name]].endswith("Planted") and nodes[place + trace]
    }
    lines = lines_of(document)
    assert {lines[trace] for trace in traces} == {("<test>", LINE)}
    root = document["trace_tree"]
    assert root[2] == sum(root[4][2::5]) > 10_000


def lines_of(document: dict[str, Any]) -> dict[int, tuple[str, int]]:
    """File and line of each node of the trace tree, by its id."""
    strings, infos = document["strings"], document["trace_function_infos"]
    rows = [infos[place : place + 6] for place in range(0, len(infos), 6)]
    children = document["trace_tree"][4]
    return {
        node: (strings[rows[function][2]], rows[function][4])
        for node, function in zip(children[::5], children[1::5], strict=True)
    }
