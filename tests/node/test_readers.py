"""A converted capture of a live process, loaded by independent readers under Node."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
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
    DominatorTree,
    HeapGraph,
    PathFinder,
    _native,
    compare,
    count_types,
    find_dominators,
    read_heap_graph,
)
from ops_client.heap_graph.roots import all_roots, named_roots
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
        client.capture_heap_snapshot(directory / "host.heap", content_level=pb.CONTENT_LEVEL_VALUES)
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
    # The parser does not report its edges.
    if reader != "parser":
        assert counts["edges"] == converted.declared("edge_count")
    assert counts["total_size"] == graph.sizes.sum() + graph.extra_sizes.sum()
    assert counts["instances"] == PLANTED


def as_loaders_see_it(graph: HeapGraph) -> HeapGraph:
    """The part of a graph that remains under Chrome's rule.

    The objects that modules and threads reach are the page's own. Other roots, and objects
    that only they reach, do not keep them alive.
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


@dataclass(frozen=True)
class Compared:
    """What a reader reports for the objects of a graph, and what we report."""

    tree: DominatorTree
    theirs: dict[int, list[int]]
    """For an id: the retained size, and the id of the dominator if the reader reports it."""

    @classmethod
    def of(cls, reader: str, converted: Converted, graph: HeapGraph) -> Compared:
        rows = node("retained", reader, converted.path)
        found = cls(find_dominators(graph), {row[0]: row[1:] for row in rows})
        assert len(found.objects()) > 0.99 * graph.object_count
        return found

    def objects(self) -> list[int]:
        """Objects that both know. Roots have no id."""
        ids = self.tree.graph.ids.tolist()
        return [place for place, each in enumerate(ids) if each and each in self.theirs]

    def other_sizes(self) -> dict[int, int]:
        """Objects with a different retained size in the reader, and that size."""
        ids, ours = self.tree.graph.ids.tolist(), self.tree.retained_sizes.tolist()
        told = {each: self.theirs[ids[each]][0] for each in self.objects()}
        return {each: size for each, size in told.items() if size != ours[each]}

    def other_dominators(self) -> int:
        """The number of objects with a different dominator. All roots are the same one here."""
        graph = self.tree.graph
        ids = np.append(graph.ids, 0)
        known = set(graph.ids.tolist())
        ours = ids[self.tree.immediate].tolist()
        told = {each: self.theirs[int(graph.ids[each])][1] for each in self.objects()}
        return sum(ours[each] != (other if other in known else 0) for each, other in told.items())


def test_devtools_computes_the_same_dominators_and_retained_sizes(converted: Converted) -> None:
    found = Compared.of("toolkit", converted, as_loaders_see_it(converted.graph))

    assert found.other_sizes() == {}
    assert found.other_dominators() == 0


def test_memlab_computes_nearly_the_same_dominators_and_retained_sizes(
    converted: Converted,
) -> None:
    found = Compared.of("memlab", converted, converted.graph)

    # The reader has its own rule for objects that several roots hold together.
    few = converted.graph.object_count / 500
    assert len(found.other_sizes()) < few
    assert found.other_dominators() < few


def without(graph: HeapGraph, taken: int) -> int:
    """Bytes that become unreachable without an object, by search: the definition."""
    is_strong = graph.edge_kinds != pb.EDGE_KIND_WEAK
    seen = np.zeros(graph.object_count, bool)
    seen[taken] = True
    reached = all_roots(graph).astype(np.int64)
    while len(reached := np.unique(reached[~seen[reached]])):
        seen[reached] = True
        firsts, counts = graph.edge_starts[reached], np.diff(graph.edge_starts)[reached]
        before = np.cumsum(counts) - counts
        edges = np.arange(counts.sum()) + np.repeat(firsts - before, counts)
        reached = graph.edge_targets[edges[is_strong[edges]]].astype(np.int64)
    seen[taken] = False
    return int((graph.sizes + graph.extra_sizes)[~seen].sum())


def test_the_parser_computes_the_same_retained_sizes_or_wrong_ones(converted: Converted) -> None:
    graph = as_loaders_see_it(converted.graph)
    found = Compared.of("parser", converted, graph)
    differing = found.other_sizes()

    # The reader stops before each dominator is final. If it differs, the definition decides.
    assert len(differing) < graph.object_count / 200
    for each in list(differing)[:40]:
        assert without(graph, each) == found.tree.retained_sizes[each]
    for each in range(0, graph.object_count, graph.object_count // 20):
        assert without(graph, each) == found.tree.retained_sizes[each]


def test_devtools_has_the_same_statistics(converted: Converted) -> None:
    graph = as_loaders_see_it(converted.graph)
    theirs, sizes = node("statistics", "toolkit", converted.path), graph.sizes + graph.extra_sizes
    # Instances of their subclasses too.
    is_text = np.isin(graph.contents.kinds, (pb.CONTENT_KIND_TEXT, pb.CONTENT_KIND_BYTES))
    texts = graph.contents.objects[is_text]

    assert theirs["totals"]["total"] == sizes.sum()
    assert theirs["totals"]["v8heap"]["strings"] == sizes[texts].sum() > 0

    classes = {name: figures for name, *figures in theirs["classes"]}
    assert compare_classes(graph, classes) > 100


def compare_classes(graph: HeapGraph, classes: dict[str, list[int]]) -> int:
    """Compare count, own and retained size of types. Return how many were compared."""
    retained = find_dominators(graph).retained_by_type
    shown = [row for row in count_types(graph, include_ops_service=True) if row.size]
    once = Counter(row.type_name for row in shown)
    compared = 0
    for row in shown:
        # Objects shown as values have their own class, and so do types that share a name.
        if row.type_name in classes and once[row.type_name] == 1:
            assert classes[row.type_name] == [row.count, row.size, retained[row.type_index]]
            compared += 1
    return compared


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
