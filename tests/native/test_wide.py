"""More than the walk's fixed buffers hold: it is captured, or reported as left out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from .decode import LOCAL, SLOT, Graph, decode
from .host import Host

MANY = 1500


@pytest.fixture(scope="module")
def reply(host: Host) -> dict[str, Any]:
    found: dict[str, Any] = host.call("wide", "capture_wide")
    return found


@pytest.fixture(scope="module")
def wide(reply: dict[str, Any]) -> Graph:
    return decode(reply["messages"])


def found_by(graph: Graph, name: str) -> set[tuple[int, str | int]]:
    """Kind and label of the edges that found the objects of a type."""
    targets = set(graph.of_type(f"native.programs.wide.{name}"))
    assert len(targets) == MANY
    return {
        (edge.kind, edge.label)
        for source in {graph.parents[target] for target in targets}
        for edge in graph.edges[source]
        if edge.target in targets
    }


def test_every_local_variable_of_a_frame_is_seen(wide: Graph) -> None:
    assert found_by(wide, "Local") == {(LOCAL, f"local_{number}") for number in range(MANY)}


def test_every_slot_of_a_type_is_seen(wide: Graph) -> None:
    assert found_by(wide, "InSlot") == {(SLOT, f"slot_{number}") for number in range(MANY)}


def test_names_that_are_left_out_are_counted(reply: dict[str, Any], wide: Graph) -> None:
    named = found_by(wide, "Suspended"), found_by(wide, "InAttribute")
    without = [sum(1 for _, label in edges if isinstance(label, int)) for edges in named]
    assert min(without) > 100
    (warning,) = [each for each in reply["warnings"] if "named parts" in each]
    # Some unnamed parts may not come from the traversal.
    assert int(warning.split()[0]) == pytest.approx(sum(without), abs=8)


@pytest.mark.parametrize(
    ("depth", "callbacks", "said"),
    [(0, 0, ""), (201_000, 0, " frames, or exceptions"), (0, 100_001, " callbacks of atexit")],
)
def test_what_a_root_leaves_out_is_said(
    new_host: Callable[..., Host], depth: int, callbacks: int, said: str
) -> None:
    if callbacks and sys.version_info >= (3, 14):
        # The interpreter keeps all callbacks in one list, which is walked whole.
        said = ""
    # atexit keeps the slots of unregistered callbacks.
    found = new_host().call("wide", "count_amid", depth, callbacks, 0)
    assert [said in each for each in found["warnings"]] == ([True] if said else [])
    assert found["objects"] > 10_000


@pytest.mark.long
def test_threads_that_are_left_out_are_counted(host: Host) -> None:
    found = host.call("wide", "count_amid", 0, 0, 4200)
    (warning,) = found["warnings"]
    left_out = int(warning.removeprefix("The stacks of ").split()[0])
    assert 104 <= left_out <= 110, warning
