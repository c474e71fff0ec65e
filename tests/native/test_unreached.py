"""Objects that no root reaches: held by C code, under its own root, or garbage."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from ops_service.v1 import heap_graph_pb2 as pb

from .decode import ATTRIBUTE, CYCLE, ROOT, ROOT_EDGE, Graph, decode
from .host import Host
from .test_probes import root


@pytest.fixture(scope="module")
def unreached(host: Host) -> Graph:
    return decode(host.call("unreached", "capture_unreached"))


def held_by_c(graph: Graph) -> list[int]:
    """The objects that the root of C code refers to."""
    index = root(graph, pb.HEAP_ROOT_KIND_HELD_BY_C)
    assert graph.flags[index] & ROOT
    assert {edge.kind for edge in graph.edges[index]} == {ROOT_EDGE}
    return [edge.target for edge in graph.edges[index]]


def planted(graph: Graph, name: str) -> list[int]:
    return graph.of_type(f"native.programs.unreached.{name}")


def test_what_c_code_holds_hangs_under_a_root_of_its_own(unreached: Graph) -> None:
    held = set(held_by_c(unreached))
    (pinned,) = planted(unreached, "Pinned")
    assert pinned in held
    assert [step for step, _ in unreached.path(pinned)] == ["held by C code"]
    # It holds its targets. A cycle that C code holds also holds its targets.
    assert len(planted(unreached, "Behind")) == 2
    for behind in planted(unreached, "Behind"):
        assert behind not in held
        assert unreached.path(behind)[0][0] == "held by C code"
    assert set(planted(unreached, "PinnedKnot")) <= held


def test_garbage_is_not_held_by_c_code(unreached: Graph) -> None:
    held = set(held_by_c(unreached))
    garbage, shared = planted(unreached, "Garbage"), planted(unreached, "Shared")
    assert (len(garbage), len(shared)) == (2, 1)
    assert held.isdisjoint([*garbage, *shared])
    for each in [*garbage, *shared]:
        first = each
        while first in unreached.parents:
            first = unreached.parents[first]
        assert unreached.flags[first] & CYCLE


@pytest.mark.skipif(sys.version_info < (3, 12), reason="nothing is immortal on CPython 3.11")
def test_the_count_of_an_immortal_object_says_nothing(unreached: Graph) -> None:
    (lasting,) = planted(unreached, "Lasting")
    assert lasting not in held_by_c(unreached)
    assert unreached.follow(lasting, ATTRIBUTE, "itself") == lasting


def test_a_fault_amid_the_counting_costs_its_type_alone(host: Host, faulty: str) -> None:
    found = host.call("unreached", "capture_fault", faulty)
    assert ["faulty.Faulty" in each for each in found["warnings"]] == [True]
    graph = decode(found["messages"])
    (thing,) = graph.of_type("faulty.Faulty")
    assert thing in held_by_c(graph)
    assert graph.edges[thing] == []
    # Objects that it reported before the fault are in the snapshot nevertheless.
    assert len(planted(graph, "Garbage")) == 1


def test_what_a_suspended_greenlet_holds_is_held_by_c_code(new_host: Callable[..., Host]) -> None:
    pytest.importorskip("greenlet")
    graph = decode(new_host().call("unreached", "capture_greenlet"))
    (thing,) = planted(graph, "InGreenlet")
    # The greenlet package for CPython 3.15 visits what its greenlets hold.
    holders = {
        graph.type_name(node)
        for node, edges in enumerate(graph.edges)
        for edge in edges
        if edge.target == thing
    }
    assert thing in held_by_c(graph) or holders == {"greenlet.greenlet"}
