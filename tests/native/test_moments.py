"""When a snapshot is taken, seen from the garbage collector."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .decode import CYCLE, ROOT, decode
from .host import Host

NewHost = Callable[..., Host]


def test_now_shows_garbage(new_host: NewHost) -> None:
    found = new_host().call("moments", "capture_at", "NOW")
    assert (found["error"], found["alive"]) == ("", True)
    graph = decode(found["messages"])
    garbage = graph.only("native.programs.moments.Garbage")
    # Only the object itself and its own namespace refer to it.
    root = graph.parents.get(garbage, garbage)
    assert graph.flags[root] & ROOT
    assert graph.flags[root] & CYCLE


def test_collect_first_collects(new_host: NewHost) -> None:
    found = new_host().call("moments", "capture_at", "COLLECT_FIRST")
    assert (found["error"], found["alive"]) == ("", False)
    assert decode(found["messages"]).of_type("native.programs.moments.Garbage") == []


def test_after_a_full_collection_and_no_smaller_one(new_host: NewHost) -> None:
    found = new_host().call("moments", "capture_after_collection")
    assert (found["error"], found["alive"]) == ("", False)
    assert found["at a smaller collection"] is False
    assert found["callbacks restored"] is True
    assert decode(found["messages"]).of_type("native.programs.moments.Garbage") == []


@pytest.mark.parametrize(
    ("how", "said"), [("off", "off"), ("frozen", "frozen"), ("waiting", "full collection")]
)
def test_a_collection_that_does_not_come(new_host: NewHost, how: str, said: str) -> None:
    found = new_host().call("moments", "missed", how)
    assert found["error"] == "GcMomentMissed"
    assert said in found["text"]
    assert 0.3 <= found["seconds"] < 3
    assert found["callbacks kept"] is True


def test_a_missed_moment_frees_the_slot(new_host: NewHost) -> None:
    found = new_host().call("moments", "collected_amid_failure")
    assert found == {"first": "GcMomentMissed", "second": ""}
