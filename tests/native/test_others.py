"""Other interpreters of the process: which ones a walk reads, and what it says of the rest."""

from __future__ import annotations

import marshal
from collections.abc import Callable
from pathlib import Path

import pytest
from interpreters import OWN_GILS

from ops_service.v1 import heap_graph_pb2 as pb

from .decode import CYCLE, LOCAL, ROOT, ROOT_EDGE, Graph, decode
from .host import Host
from .test_probes import root

own_gils = pytest.mark.skipif(not OWN_GILS, reason="before 3.12 all interpreters share one GIL")
OTHER = pb.HEAP_ROOT_KIND_OTHER_INTERPRETER
LEFT_OUT = "Interpreters that are left out, because each has its own GIL and ran on during the "


@pytest.fixture
def own_host(new_host: Callable[..., Host]) -> Host:
    """A host of this test alone: if it ends, other tests do not fail with it."""
    return new_host()


def others_of(graph: Graph) -> list[str]:
    return sorted(row.name for row in graph.roots.values() if row.kind == OTHER)


def test_each_interpreter_has_a_root(own_host: Host) -> None:
    reply = own_host.call("others", "capture_tenants")
    assert reply["summary"]["warnings"] == ()
    graph = decode(reply["messages"])
    assert others_of(graph) == sorted(map(str, reply["ids"]))
    sessions = graph.of_type("tenant.Session")
    assert len(sessions) == 600
    for identifier in reply["ids"]:
        other = root(graph, OTHER, str(identifier))
        assert graph.type_name(other) == "other interpreter"
        assert graph.flags[other] & ROOT
        labels = {edge.label for edge in graph.edges[other]}
        assert {"__main__", "sys", "builtins", "sys.modules", "importlib"} <= labels
        assert "native.programs.others" not in labels
        main = graph.follow(other, ROOT_EDGE, "__main__")
        assert graph.type_name(main) == "module"
    assert {graph.path(each)[1][1] for each in sessions} == {"__dict__"}
    assert {graph.path(each)[0] for each in sessions} == {("other interpreter", "__main__")}


def test_its_objects_are_neither_held_by_c_code_nor_garbage(own_host: Host) -> None:
    alone = decode(own_host.call("others", "capture_with")["messages"])
    beside = decode(own_host.call("others", "capture_tenants")["messages"])

    def held(graph: Graph) -> int:
        found = [index for index, row in graph.roots.items() if row.kind == 6]
        return len(graph.edges[found[0]]) if found else 0

    # Types whose state only C code keeps, such as the 134 of `ast` on 3.14. Each of the two
    # interpreters has some ten thousand objects.
    assert held(beside) - held(alone) < 2 * 250
    knots = beside.of_type("tenant.Knot")
    assert len(knots) == 2
    assert all(beside.flags[each] & CYCLE for each in knots)
    assert not any(beside.flags[each] & CYCLE for each in beside.of_type("tenant.Session"))


def test_locals_of_its_threads_are_seen(own_host: Host) -> None:
    reply = own_host.call("others", "capture_blocked_thread")
    graph = decode(reply["messages"])
    other = root(graph, OTHER, str(reply["ids"][0]))
    frame = graph.follow(other, ROOT_EDGE, "wait_for_tenant")
    assert graph.roots[frame].kind == pb.HEAP_ROOT_KIND_FRAME
    local = graph.follow(frame, LOCAL, "tenant_local")
    assert graph.type_name(local) == "tenant.Session"


@own_gils
def test_one_with_its_own_gil_is_left_out_and_counted(own_host: Host) -> None:
    reply = own_host.call("others", "capture_own_gil")
    graph = decode(reply["messages"])
    assert others_of(graph) == []
    assert graph.of_type("tenant.Session") == []
    (warning,) = reply["summary"]["warnings"]
    assert warning == f"{LEFT_OUT}clone: 1."


def test_a_census_counts_their_objects(own_host: Host) -> None:
    reply = own_host.call("others", "census")
    assert reply["shared"] == 300
    assert reply["warnings"] == ()
    if OWN_GILS:
        assert reply["own"] == 0
        assert reply["own_warnings"] == (f"{LEFT_OUT}clone: 1.",)


def test_growth_in_another_interpreter_has_a_path(own_host: Host) -> None:
    reply = own_host.call("others", "grown_paths")
    path = "another interpreter -> __main__.CACHE[…] (tenant.Session)"
    assert reply["grown"][path] == 100
    assert all("another interpreter" in path for path in reply["grown"])
    assert reply["counted"] < 1000
    assert reply["others"] == (True, False)
    assert reply["warnings"] == ()
    assert reply["alone"] == (False, False)


@own_gils
def test_a_sample_knows_that_it_left_some_out(own_host: Host) -> None:
    assert own_host.call("others", "unread_sample") == (True, True)


def test_holders_lie_in_the_other_interpreter(own_host: Host) -> None:
    reply = own_host.call("others", "holders")
    name = f"interpreter {reply['id']}"
    assert reply["paths"][0] == (f"{name} -> __main__.CACHE[…] (tenant.Session)", 300)
    assert reply["first"] == "OTHER_INTERPRETER"
    assert reply["count"] == 300


def test_an_object_of_another_interpreter_is_never_returned(own_host: Host) -> None:
    reply = own_host.call("others", "holders")
    assert "of this interpreter" in reply["looked_up"]
    assert reply["instances"] == []


def test_interpreters_are_counted(own_host: Host) -> None:
    own = 3 if OWN_GILS else 0
    assert own_host.call("others", "counts") == [
        (0, 1, 0),
        (0, 51, 0),
        (0, 51 + own, own),
        (0, 1, 0),
    ]


def test_fifty_of_them_in_a_cut_snapshot(own_host: Host) -> None:
    reply = own_host.call("others", "capture_many")
    graph = decode(reply["messages"])
    assert len(graph) == 20_000
    assert others_of(graph) == sorted(map(str, reply["ids"]))
    (warning,) = reply["summary"]["warnings"]
    assert warning.startswith("The snapshot was cut")


def test_captures_while_they_come_and_go(own_host: Host) -> None:
    results = own_host.call("others", "capture_in_churn", 8)
    assert len(results) == 8
    allowed = ("Interpreters that are left out", "Some interpreters may be left out")
    for objects, warnings in results:
        assert objects > 10_000
        assert all(text.startswith(allowed) for text in warnings), warnings
    assert own_host.call("capture", "status")[0]


@own_gils
def test_captures_beside_a_busy_one_with_its_own_gil(own_host: Host) -> None:
    count, blocks, names = own_host.call("others", "beside_a_busy_one", 3)
    # sys.getallocatedblocks() would end the process in most runs.
    assert (count, blocks, names) == (3, None, [])


def test_the_walk_may_begin_in_any_interpreter(own_host: Host, tmp_path: Path) -> None:
    name = tmp_path / "reply"
    inner = own_host.call("others", "capture_from_inside", str(name))
    status, reply = marshal.loads(name.read_bytes())
    assert status[0], status
    (messages, summary), counted = reply
    assert counted == (inner, 2, 0)
    graph = decode(messages)
    assert others_of(graph) == ["0"]
    outer = graph.only("native.programs.others.Outer")
    assert graph.path(outer)[0][0] == "other interpreter"
    assert graph.path(graph.only("tenant.Inner"))[0][0] == "modules"
    assert summary["warnings"] == ()
