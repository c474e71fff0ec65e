"""A heap full of third-party C types: captured whole, each type with a plausible size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fix_certs import Identity
from fix_client import credentials_of
from fix_host import StartHost
from numpy.typing import NDArray

from ops_client import MaintenanceClient
from ops_client.heap_graph import HeapGraph, read_heap_graph, type_name
from ops_service.v1 import heap_graph_pb2

from .planted import KINDS

HERE = Path(__file__).parent
ESTIMATED = 8


@pytest.fixture(scope="module")
def captured(
    start_shared_host: StartHost, admin: Identity, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], HeapGraph]:
    """The planted objects, and the heap that contains them."""
    host = start_shared_host()
    planted = host.run(
        f"import sys; sys.path.insert(0, {str(HERE)!r}); import planted; answer = planted.plant()"
    )
    file = tmp_path_factory.mktemp("ecosystem") / "ecosystem.heap"
    with MaintenanceClient(host.address, credentials_of(admin)) as client:
        client.capture_heap_snapshot(file)
    host.assert_alive()
    graph = read_heap_graph(file)
    assert list(graph.trailer.warnings) == []
    return planted, graph


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_is_seen_with_a_sane_size(
    captured: tuple[dict[str, Any], HeapGraph], kind: str
) -> None:
    planted, graph = captured
    wanted = planted[kind]
    if "missing" in wanted:
        pytest.skip(wanted["missing"])
    objects = held_by(graph, kind)
    assert len(objects) == wanted["count"]
    names = {type_name(graph.types[each]) for each in graph.type_indexes[objects]}
    assert names == {wanted["type"]}
    size = int(graph.sizes[objects].sum())
    if (graph.flags[objects] & ESTIMATED).any():
        # At least the object's own size, and no more than it can have.
        assert wanted["least"] <= size <= 100 * wanted["least"]
    else:
        assert size == wanted["size"]


def held_by(graph: HeapGraph, kind: str) -> NDArray[np.int64]:
    """The planted objects of a kind."""
    names = [type_name(each) for each in graph.types]
    (holder,) = np.flatnonzero(graph.type_indexes == names.index("planted.Kept"))
    (attribute,) = [
        edge for edge in edges_of(graph, holder) if graph.names[graph.edge_names[edge]] == kind
    ]
    edges = edges_of(graph, int(graph.edge_targets[attribute]))
    elements = graph.edge_kinds[edges] == heap_graph_pb2.EDGE_KIND_ELEMENT
    return graph.edge_targets[edges][elements].astype(np.int64)


def edges_of(graph: HeapGraph, number: int) -> range:
    return range(int(graph.edge_starts[number]), int(graph.edge_starts[number + 1]))
