"""The snapshot against the reference: objects, types, sizes, ids and edges."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from .compare import Matched, granule, place, region_differences
from .decode import ELEMENT, ESTIMATED, Graph, decode
from .host import Host
from .programs import planted, recipes
from .test_reference import recipe_lists

# Each is a capture of the whole process, which takes half a minute under a sanitizer.
RANDOM_HEAPS = int(os.environ.get("RANDOM_HEAPS", "10"))


def matched(reply: dict[str, Any]) -> Matched:
    graph = decode(reply["messages"])
    check_summary(graph, reply["summary"])
    return Matched(graph, reply["rows"], reply["order"])


def check_summary(graph: Graph, summary: dict[str, Any]) -> None:
    assert summary["object_count"] == len(graph)
    assert summary["edge_count"] == graph.edge_count
    assert summary["type_count"] == len(graph.types)
    assert summary["name_count"] == len(graph.names) - 1
    assert summary["total_size"] == sum(graph.sizes)


@pytest.fixture(scope="module", params=[False, True], ids=["fresh", "collected"])
def planted_heaps(host: Host, request: pytest.FixtureRequest) -> tuple[Matched, dict[str, Any]]:
    reply = host.call("capture", "capture_planted", request.param)
    assert reply["changed"] == [], "the host changed what it had planted"
    return matched(reply), reply["members"]


@pytest.mark.parametrize("name", sorted(planted.HEAPS))
def test_a_planted_heap_is_captured_as_it_is(
    planted_heaps: tuple[Matched, dict[str, Any]], name: str
) -> None:
    found, members = planted_heaps
    assert found.differences(members[name]) == []


def test_ids_name_places_one_to_one(planted_heaps: tuple[Matched, dict[str, Any]]) -> None:
    found, _ = planted_heaps
    pairs = [
        (found.graph.ids[node], row[0])
        for node, row in zip(found.node_of_row, found.rows, strict=True)
    ]
    assert region_differences(pairs) == []


def test_only_sizes_that_need_running_are_estimates(
    planted_heaps: tuple[Matched, dict[str, Any]],
) -> None:
    found, _ = planted_heaps
    estimated = {
        found.graph.type_name(node)
        for node, row in zip(found.node_of_row, found.rows, strict=True)
        if found.graph.flags[node] & ESTIMATED and row[6]
    }
    assert "native.programs.planted_types.Sized" in estimated
    builtin = {name for name in estimated if "." not in name}
    assert builtin == set()
    assert estimated <= {
        "native.programs.planted_types.Sized",
        "_io.BytesIO",
        "_io.StringIO",
        "types.UnionType",
    }


@pytest.mark.long
@given(recipe=recipe_lists(25), collect=st.booleans())
@settings(max_examples=RANDOM_HEAPS, deadline=None, phases=[Phase.reuse, Phase.generate])
def test_a_random_heap_is_captured_as_it_is(
    host: Host, recipe: list[recipes.Node], collect: bool
) -> None:
    reply = host.call("capture", "capture_recipe", recipe, collect)
    assert reply["changed"] == []
    found = matched(reply)
    assert found.differences(reply["members"]["recipe"]) == []


@pytest.mark.long
def test_every_object_of_the_process_is_captured(host: Host) -> None:
    reply = host.call("capture", "capture_world")
    found = matched(reply)
    changed = set(reply["changed"])
    # Between reference and snapshot the harness itself changes a few objects.
    assert len(changed) < 100
    stable = [number for number in range(len(found.rows)) if number not in changed]
    differences = found.differences(stable)
    summary = Counter(sentence.split(" at ")[0] for sentence in differences)
    assert differences == [], (len(differences), summary.most_common(20), differences[:20])


def test_an_object_keeps_its_id(new_host: Callable[..., Host]) -> None:
    # A new process is small. One that has kept rows of itself takes minutes to decode.
    reply = new_host().call("capture", "same_ids", 2)
    first, second = (order_ids(decode(messages)) for messages in reply["captures"])
    assert first == second
    assert [place(identity) for identity in first] == list(map(granule, reply["addresses"]))
    assert region_differences(zip(first, reply["addresses"], strict=True)) == []


def order_ids(graph: Graph) -> list[int]:
    return [graph.ids[node] for node in graph.targets(graph.only("Order"), ELEMENT)]
