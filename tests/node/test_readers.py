"""A converted capture of a live process, loaded by independent readers under Node."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fix_certs import Identity
from fix_host import StartHost

from ops_client import ClientCredentials, MaintenanceClient
from ops_client.devtools import write_heapsnapshot
from ops_client.heap_graph import (
    HeapGraph,
    PathFinder,
    _native,
    compare,
    find_dominators,
    read_heap_graph,
)
from ops_client.heap_graph.roots import named_roots
from ops_service.v1 import heap_graph_pb2 as pb

HERE = Path(__file__).parent
PLANTED = 4321


@dataclass(frozen=True)
class Converted:
    graph: HeapGraph
    path: Path
    later: Path
    """A capture of the same process, after some planted objects came and went."""
    later_graph: HeapGraph

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
        host.run("del planted[:300]; planted += [Planted() for _ in range(500)]")
        client.capture_heap_snapshot(directory / "later.heap")
    graphs = []
    for name in ("host", "later"):
        graphs.append(read_heap_graph(directory / f"{name}.heap"))
        write_heapsnapshot(graphs[-1], directory / f"{name}.heapsnapshot")
    later = directory / "later.heapsnapshot"
    return Converted(graphs[0], directory / "host.heapsnapshot", later, graphs[1])


def node(*arguments: object) -> Any:
    outcome = subprocess.run(
        ["node", HERE / "load.mjs", *map(str, arguments)], capture_output=True, text=True
    )
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


def load(reader: str, converted: Converted) -> dict[str, int]:
    counts: dict[str, int] = node(reader, converted.path, "shop.Planted")
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


def as_loaders_see_it(graph: HeapGraph) -> HeapGraph:
    """The graph that Chrome's rule leaves of one.

    What modules and threads reach is the page's own, and nothing outside keeps it
    alive: neither other roots nor what only they reach.
    """
    named = named_roots(graph)
    edges = np.empty(graph.object_count, np.uint32)
    columns = graph.edge_starts, graph.edge_targets, graph.edge_kinds
    _native.find_paths(*columns, named, np.array([len(named)], np.uint64), edges)
    own = edges != 2**32 - 1
    own[named] = True
    foreign = ~own[graph.edge_sources()] & own[graph.edge_targets]
    kinds = np.where(foreign, pb.EDGE_KIND_WEAK, graph.edge_kinds).astype(np.uint8)
    flags = np.where(own, graph.flags & ~np.uint32(4), graph.flags)
    return replace(graph, edge_kinds=kinds, flags=flags)


def differing(reader: str, converted: Converted, graph: HeapGraph) -> int:
    """Of how many objects a reader computes another retained size than we do."""
    theirs = {row[0]: row[1] for row in node("retained", reader, converted.path)}
    sizes = find_dominators(graph).retained_sizes.tolist()
    pairs = zip(graph.ids.tolist(), sizes, strict=True)
    compared = [(size, theirs[each]) for each, size in pairs if each and each in theirs]
    assert len(compared) > 0.99 * graph.object_count
    return sum(ours != other for ours, other in compared)


def test_devtools_computes_the_same_retained_sizes(converted: Converted) -> None:
    assert differing("toolkit", converted, as_loaders_see_it(converted.graph)) == 0


def test_memlab_computes_nearly_the_same_retained_sizes(converted: Converted) -> None:
    # It has a rule of its own for what several roots hold together.
    assert differing("memlab", converted, converted.graph) < converted.graph.object_count / 500


def test_devtools_finds_the_same_difference(converted: Converted) -> None:
    rows = node("compared", converted.path, converted.later)
    theirs = {name: (added, removed) for name, added, removed in rows}

    found = compare(
        converted.graph,
        converted.later_graph,
        PathFinder(converted.later_graph),
        include_ops_service=True,
    )

    ours = {each.type_name: (each.new, each.freed) for each in found.types}
    assert ours["shop.Planted"] == theirs["shop.Planted"]
    assert ours["shop.Planted"][0] - ours["shop.Planted"][1] == 200
