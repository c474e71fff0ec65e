"""A traversal that faults, exits, loops or waits does not harm the host."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from eventually import eventually

from .decode import decode
from .host import Host
from .processes import children, gone

TYPE = "faulty.Faulty"


@pytest.fixture(scope="module")
def bystander() -> Iterator[Host]:
    """The host of this module."""
    with Host() as host:
        yield host


@pytest.fixture
def faulted(host: Host, bystander: Host, faulty: str) -> Iterator[Callable[[str], Host]]:
    """Plants an object of the faulty type that behaves as requested."""

    def plant(conduct: str) -> Host:
        bystander.call("faults", "plant", faulty, conduct)
        return bystander

    yield plant
    bystander.call("faults", "unplant")


@contextmanager
def nothing_left(host: Host) -> Iterator[None]:
    """Checks that the work leaves no descriptor, thread, callback or child."""
    before = host.call("faults", "left_behind")
    yield

    # A thread that has finished takes a moment to end.
    def left() -> dict[str, int]:
        found: dict[str, int] = host.call("faults", "left_behind")
        return found

    eventually(lambda: left() == before, lambda: f"{before} -> {left()}", within=10)
    assert children(host.pid) == []


def outcome(host: Host, work: str) -> dict[str, Any]:
    host.call("faults", "outcome", work)  # What is made once, such as shared memory.
    with nothing_left(host):
        result: dict[str, Any] = host.call("faults", "outcome", work)
    return result


@pytest.mark.parametrize("conduct", ["fault", "overflow", "bus"])
@pytest.mark.parametrize("work", ["capture", "census"])
def test_a_traversal_that_faults_costs_its_type_alone(
    faulted: Callable[[str], Host], work: str, conduct: str
) -> None:
    host = faulted(conduct)
    result = outcome(host, work)
    assert result["error"] == "", result
    assert [TYPE in warning for warning in result["warnings"]] == [True]
    assert result["objects"] > 10_000
    if work == "capture":
        graph = decode(result["messages"])
        assert graph.edges[graph.only("Faulty")] == []


@pytest.mark.parametrize("where", ["list", "modules"])
@pytest.mark.parametrize("work", ["capture", "census"])
def test_objects_that_cannot_be_read_cost_no_more_than_their_holder(
    bystander: Host, work: str, where: str
) -> None:
    bystander.call("faults", "plant_unreadable", 3, where)
    try:
        result = outcome(bystander, work)
    finally:
        bystander.call("faults", "unplant")
    assert result["error"] == "", result
    given_up = [warning for warning in result["warnings"] if "something that is not" in warning]
    assert len(given_up) == 1
    # A census reads a root's references at once. A snapshot reads each object in its turn.
    root_is_given_up = work == "census" and where == "modules"
    others = [each for each in result["warnings"] if each not in given_up]
    assert ["Type modules" in each for each in others] == [True] * root_is_given_up
    assert result["objects"] > 10_000
    if work == "capture":
        graph = decode(result["messages"])
        assert len(graph.of_type("unreadable")) == 3


def test_too_much_that_cannot_be_read_ends_the_child(bystander: Host) -> None:
    bystander.call("faults", "plant_unreadable", 30, "list")
    try:
        result = outcome(bystander, "census")
    finally:
        bystander.call("faults", "unplant")
    assert result["error"] == "WalkFailed"
    assert "unreadable" in result["text"]


@pytest.mark.parametrize("work", ["capture", "census"])
@pytest.mark.parametrize("count", [16, 17])
def test_so_many_types_may_fault_and_no_more(
    bystander: Host, faulty: str, work: str, count: int
) -> None:
    bystander.call("faults", "plant_types", faulty, count)
    try:
        result = outcome(bystander, work)
    finally:
        bystander.call("faults", "unplant")
    if count == 16:
        assert result["error"] == "", result
        named = {f"Type many.Faulty{number} faulted" for number in range(count)}
        assert {each.partition(" when")[0] for each in result["warnings"]} == named
    else:
        assert result["error"] == "WalkFailed", result
        # The last of them. Which one that is depends on the order of the walk.
        assert result["details"]["type_name"].startswith("many.Faulty")
        assert f"of type {result['details']['type_name']}." in result["text"]


def test_a_second_fault_at_a_type_ends_the_child(bystander: Host) -> None:
    bystander.call("faults", "plant_headless")
    try:
        result = outcome(bystander, "capture")
    finally:
        bystander.call("faults", "unplant")
    assert result["error"] == "WalkFailed", result
    assert result["details"] == {"type_name": "native.programs.faults.Headless"}
    assert "of type native.programs.faults.Headless." in result["text"]
    # Once the faulty object is gone, captures work again.
    assert outcome(bystander, "capture")["error"] == ""


@pytest.mark.parametrize("conduct", ["abort", "exit"])
@pytest.mark.parametrize("work", ["capture", "census"])
def test_a_traversal_that_ends_the_child_is_an_error(
    faulted: Callable[[str], Host], work: str, conduct: str
) -> None:
    host = faulted(conduct)
    result = outcome(host, work)
    if conduct == "abort" and not result["error"]:
        # SIGABRT may be treated like a fault.
        assert [TYPE in warning for warning in result["warnings"]] == [True]
    else:
        assert result["error"] == "WalkFailed", result
        assert "unharmed" in result["text"]


def test_a_traversal_that_loops_is_ended_at_the_limit(faulted: Callable[[str], Host]) -> None:
    host = faulted("none")
    outcome(host, "capture")
    host = faulted("loop")
    with nothing_left(host):
        result = host.call("faults", "outcome", "capture", 0.5)
    assert result["error"] == "WalkTimeout", result
    assert result["retry_after"] > 0
    assert result["seconds"] < 5


def test_the_host_captures_again_afterwards(faulted: Callable[[str], Host]) -> None:
    host = faulted("none")
    result = outcome(host, "capture")
    assert (result["error"], result["warnings"]) == ("", ())
    graph = decode(result["messages"])
    (behind,) = graph.of_type("native.programs.faults.BehindIt")
    assert graph.path(behind)[-1][0] == TYPE


def test_a_second_capture_is_refused_meanwhile(faulted: Callable[[str], Host]) -> None:
    host = faulted("wait")
    host.call("faults", "open_waiting")
    result = host.call("faults", "outcome", "capture")
    assert result["error"] == "Busy"
    assert result["retry_after"] > 0
    assert len(children(host.pid)) == 1
    host.call("faults", "release")
    assert host.call("faults", "finish_open") > 10_000
    assert host.call("faults", "outcome", "capture")["error"] == ""


def test_a_census_runs_beside_a_capture(faulted: Callable[[str], Host]) -> None:
    host = faulted("none")
    host.call("faults", "open_unread", 300_000)
    (child,) = children(host.pid)
    assert host.call("faults", "outcome", "census")["error"] == ""
    assert children(host.pid) == [child]
    assert host.call("faults", "finish_open") > 300_000


def test_counts_asked_for_together_share_one_walk(faulted: Callable[[str], Host]) -> None:
    host = faulted("wait")
    times = host.call("faults", "counts_together", 4)
    assert len(times) == 5
    assert len(set(times[1:])) == 1


@pytest.mark.parametrize("read", [True, False])
def test_cancelling_kills_the_child(faulted: Callable[[str], Host], read: bool) -> None:
    host = faulted("wait")
    host.call("faults", "release")
    assert host.call("faults", "outcome", "capture")["error"] == ""
    with nothing_left(host):
        host.call("faults", "open_waiting")
        (child,) = children(host.pid)
        result = host.call("faults", "cancel_open", read)
        assert result["error"] == ("Cancelled" if read else "")
        began = time.monotonic()
        eventually(lambda: gone(child), "the child is there", within=1, pause=0.002)
        assert time.monotonic() - began + result["seconds"] < 1


def test_cancelling_a_census_kills_the_child(faulted: Callable[[str], Host]) -> None:
    host = faulted("wait")
    host.call("faults", "release")
    assert host.call("faults", "outcome", "census")["error"] == ""
    with nothing_left(host):
        result = host.call("faults", "cancelled_census")
        assert result["error"] == "Cancelled"
        assert result["seconds"] < 1
