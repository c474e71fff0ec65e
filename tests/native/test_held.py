"""Namespaces, however they are found, and the named parts of interpreter and threads."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from ops_service.v1 import heap_graph_pb2 as pb

from .decode import ATTRIBUTE, ELEMENT, INTERNAL, KEY, OWN, ROOT_EDGE, SLOT, VALUE, Graph, decode
from .host import Host
from .test_probes import root


@pytest.fixture(scope="module")
def namespaces(host: Host) -> Graph:
    return decode(host.call("held", "capture_namespaces"))


def names(graph: Graph, index: int) -> list[str | int]:
    return [edge.label for edge in graph.edges[index] if edge.kind in (ATTRIBUTE, VALUE)]


def test_a_namespace_that_something_else_finds_first_is_named(namespaces: Graph) -> None:
    graph = namespaces
    registry = graph.only("native.programs.held.Registry")
    found = graph.targets(graph.follow(registry, SLOT, "found"), ELEMENT)
    assert names(graph, found[0]) == ["first_entry", 1, "third_entry"]
    assert names(graph, found[1]) == ["at_once"]
    assert "in_module" in names(graph, found[2])
    assert names(graph, graph.only("native.programs.held.Attributes")) == ["entry_of_itself"]
    # Check the test itself: the owners did not find them.
    for each in found[:2]:
        assert graph.parents[each] == graph.follow(registry, SLOT, "found")


def test_a_dict_put_in_place_of_the_own_one_is_referred_to_once(namespaces: Graph) -> None:
    attributes = namespaces.only("native.programs.held.Attributes")
    assert [edge.target for edge in namespaces.edges[attributes]].count(attributes) == 1


@pytest.mark.parametrize("most", [500, 5_000, 20_000])
def test_a_cut_leaves_no_value_without_its_key(host: Host, most: int) -> None:
    graph = decode(host.call("held", "capture_cut", most))
    assert len(graph) == most
    for edges in graph.edges:
        for place, edge in enumerate(edges):
            assert edge.kind != VALUE or edges[place - 1].kind == KEY


def test_keys_of_data_stay_without_names(namespaces: Graph) -> None:
    graph = namespaces
    plain = graph.follow(graph.only("native.programs.held.Registry"), SLOT, "plain")
    assert names(graph, plain) == [0]
    assert "data_key" not in graph.names


@pytest.fixture(scope="module")
def held(host: Host) -> Graph:
    return decode(host.call("held", "capture_held"))


def test_the_state_of_the_interpreter_is_named(held: Graph) -> None:
    interpreter = root(held, pb.HEAP_ROOT_KIND_INTERPRETER)
    labels = {edge.label for edge in held.edges[interpreter]}
    assert {
        *("sys", "builtins", "dict", "importlib", "gc.callbacks", "atexit.register"),
        *("codecs.search_path", "codecs.search_cache", "codecs.error_registry"),
    } <= labels
    registry = held.follow(interpreter, ROOT_EDGE, "codecs.error_registry")
    assert held.type_name(registry) == "dict"
    registered = held.path(held.only("ByRegistration"))
    # From 3.14 on the interpreter keeps a list of tuples: function, arguments, keywords.
    in_a_list = [("list", registered[1][1]), ("tuple", 1)] if sys.version_info >= (3, 14) else []
    assert registered == [("interpreter", "atexit.register"), *in_a_list, ("tuple", 0)]


def test_subclasses_hang_under_their_class(held: Graph) -> None:
    marked = held.targets(held.only("ByRegistration"), INTERNAL)[0]
    base = held.follow(marked, INTERNAL, "__base__")
    subclasses = held.follow(base, INTERNAL, "__subclasses__")
    assert held.type_name(subclasses) == "dict"
    assert len(held.targets(subclasses, VALUE)) == 3
    builtin = next(
        index
        for index in held.of_type("type")
        if ("INTERNAL", "__subclasses__") in held.labels(index)
        and not any(label == "__module__" for _, label in held.labels(index))
    )
    assert held.type_name(held.follow(builtin, INTERNAL, "__subclasses__")) == "dict"


def test_context_and_thread_local_storage_are_named(held: Graph) -> None:
    path = held.path(held.only("InContext"))
    assert path[:2] == [("thread", "context"), ("_contextvars.Context", "ctx_vars")]
    path = held.path(held.only("InThread"))
    assert path[-1] == ("dict", "of_this_thread")
    assert "_thread._local" in {step for step, _ in path}


@pytest.mark.long
def test_an_idle_process_does_not_change(new_host: Callable[..., Host]) -> None:
    # A separate host, in which no other test has left anything running.
    host = new_host()
    graphs = [Counter(rows(decode(each))) for each in host.call("held", "capture_often")]
    # The test holds the snapshots themselves. A thread that ends, or a buffer that is used
    # again, may change something once, but not each time.
    changes = [
        [*(before - after), *(row for row in after - before if row[1] not in ("bytes", "list"))]
        for before, after in pairwise(graphs)
    ]
    assert [] in changes, changes


def rows(graph: Graph) -> list[tuple[int, str, int]]:
    """Id, type and size of each object that is not the port's own."""
    return [
        (graph.ids[index], graph.type_name(index), graph.sizes[index])
        for index in range(len(graph))
        if not graph.flags[index] & OWN and index not in graph.roots
    ]


def test_temporaries_of_a_thread_that_waits_in_a_call(host: Host) -> None:
    host.call("temporaries", "start_waiting")
    # The thread may still be on its way into the call.
    while True:
        graph = decode(host.call("temporaries", "capture_waiting"))
        if temporaries := graph.of_type("native.programs.temporaries.Temporary"):
            break
    host.call("temporaries", "stop_waiting")
    way = [step for step, _ in graph.path(temporaries[0])]
    if sys.version_info >= (3, 14):
        assert way == ["thread", "frame"]
    else:
        # The depth of the stack is in a register: nobody can tell that this is one.
        assert way == ["held by C code"]
