"""A converted capture of a live process, loaded by independent readers under Node."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_host import StartHost

from ops_client import ClientCredentials, MaintenanceClient
from ops_client.devtools import write_heapsnapshot
from ops_client.heap_graph import HeapGraph, read_heap_graph

HERE = Path(__file__).parent
PLANTED = 4321


@dataclass(frozen=True)
class Converted:
    graph: HeapGraph
    path: Path

    def declared(self, name: str) -> int:
        """A count from the file's own head."""
        return int(json.loads(self.path.read_bytes())["snapshot"][name])


@pytest.fixture(scope="module")
def converted(
    start_shared_host: StartHost, admin: Identity, tmp_path_factory: pytest.TempPathFactory
) -> Converted:
    host = start_shared_host()
    host.run(
        "class Planted: pass\n"
        "Planted.__module__ = 'shop'\n"
        f"planted = [Planted() for _ in range({PLANTED})]"
    )
    directory = tmp_path_factory.mktemp("node")
    credentials = ClientCredentials(admin.ca, admin.certificate, admin.private_key)
    with MaintenanceClient(host.address, credentials) as client:
        client.capture_heap_snapshot(directory / "host.heap")
    graph = read_heap_graph(directory / "host.heap")
    write_heapsnapshot(graph, directory / "host.heapsnapshot")
    return Converted(graph, directory / "host.heapsnapshot")


def load(reader: str, converted: Converted) -> dict[str, int]:
    outcome = subprocess.run(
        ["node", HERE / "load.mjs", reader, converted.path, "shop.Planted"],
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 0, outcome.stderr
    counts: dict[str, int] = json.loads(outcome.stdout)
    return counts


@pytest.mark.parametrize("reader", ["toolkit", "memlab", "parser"])
def test_a_reader_counts_what_was_written(reader: str, converted: Converted) -> None:
    graph = converted.graph

    counts = load(reader, converted)

    assert counts["nodes"] == converted.declared("node_count") >= graph.object_count
    # The parser tells nothing of its edges.
    if reader != "parser":
        assert counts["edges"] == converted.declared("edge_count")
    assert counts["total_size"] == graph.sizes.sum() + graph.extra_sizes.sum()
    assert counts["instances"] == PLANTED
