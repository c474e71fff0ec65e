"""Captures amid the host's own processes, threads and limits. The service is a guest: the
host sees no child, loses no descriptor, and can be killed at any time."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import pytest
from eventually import eventually

from .host import Host
from .processes import children, gone, state

NewHost = Callable[..., Host]

CAPTURES = int(os.environ.get("OPS_WALKER_CAPTURES", "10"))
"""How many captures a test makes in search of hangs. 500 in the long form."""

# Threads that never rest leave a child of the lowest priority little of two cores.
WITHIN = 120.0 + 6 * CAPTURES


def check(results: list[dict[str, Any]], count: int) -> None:
    assert len(results) == count
    for result in results:
        assert result["objects"] > 10_000
        assert result["bytes"] > result["objects"]
        # Synthetic nodes are objects of a snapshot, not of a census. The process also went
        # on between the two.
        assert abs(result["counted"] - result["objects"]) < result["objects"] / 10
        assert result["pause"] > 0
        assert result["lifetime"] > 0


def test_a_dropped_iterator_leaves_nothing(new_host: NewHost) -> None:
    host = new_host()
    host.call("faults", "take_one_and_drop")
    before = host.call("faults", "left_behind")
    assert host.call("faults", "take_one_and_drop") > 0
    assert host.call("faults", "left_behind") == before
    assert children(host.pid) == []


def test_the_host_never_waits_for_our_children(new_host: NewHost) -> None:
    found = new_host().call("life", "wait_for_every_child", 5)
    assert found["seen"] == [found["own"]]
    check(found["results"], 5)


def test_our_children_send_no_signal(new_host: NewHost) -> None:
    found = new_host().call("life", "count_signals", 3)
    assert found["ours"] == 0
    assert found["with a child of the host"] == 1
    check(found["results"], 3)


def test_figures_are_kept_where_children_are_ignored(new_host: NewHost) -> None:
    results = new_host().call("life", "ignore_children", 3)
    check(results, 3)
    assert all(result["cpu_time"] > 0 for result in results)


@pytest.mark.long
@pytest.mark.timeout(WITHIN + 30)
def test_captures_amid_threads_that_allocate_never_hang(new_host: NewHost) -> None:
    host = new_host(environment={"MALLOC_ARENA_MAX": "1"})
    found = host.call("life", "captures_amid_threads", CAPTURES, 3, within=WITHIN)
    check(found["results"], CAPTURES)
    assert min(found["turns"]) > 0
    assert children(host.pid) == []


@pytest.mark.long
def test_captures_beside_a_debugging_allocator(new_host: NewHost) -> None:
    host = new_host(environment={"PYTHONMALLOC": "malloc", "MALLOC_ARENA_MAX": "1"})
    found = host.call("life", "captures_amid_threads", 5, 2)
    check(found["results"], 5)


def test_a_killed_host_leaves_neither_child_nor_socket(new_host: NewHost) -> None:
    host = new_host()
    port = host.call("life", "listen_and_capture", 300_000)
    (child,) = children(host.pid)
    assert state(child) != ""
    host.process.kill()
    host.process.wait(10)
    eventually(lambda: gone(child), "the child of the killed host is there", within=2)
    # Nothing listens any more, and the port can be bound again at once.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)
    socket.create_server(("127.0.0.1", port)).close()


def test_the_child_is_modest_and_holds_nothing_of_the_host(new_host: NewHost) -> None:
    found = new_host().call("life", "priority_of_child", 300_000)
    assert found["descriptors"] == 1
    assert (found["nice"], found["core"]) == (19, "0")


def test_a_forked_process_leaves_the_capture_alone(new_host: NewHost) -> None:
    found = new_host().call("life", "fork_meanwhile", 300_000)
    assert found["status"] == 7
    assert found["bytes"] > 300_000


def test_no_descriptor_left_is_an_error(new_host: NewHost) -> None:
    host = new_host()
    found = host.call("life", "without_descriptors")
    assert found["error"] == "CloneRefused", found
    check(host.call("life", "captures", 1), 1)


def test_an_engine_whose_proof_was_killed_proves_itself_again(new_host: NewHost) -> None:
    found = new_host().call("life", "prove_amid_kills")
    assert "killed from outside" in found["reason"]
    assert found["later"]


def test_no_process_left_is_an_error(new_host: NewHost) -> None:
    host = new_host()
    found = host.call("life", "without_processes")
    assert found["error"] == "CloneRefused", found
    assert found["retry_after"] > 0
    assert children(host.pid) == []


@pytest.mark.parametrize("spare", [1 << 20, 6 << 20, 20 << 20])
def test_no_memory_left_is_an_error(new_host: NewHost, spare: int) -> None:
    host = new_host()
    found = host.call("life", "without_memory", spare)
    assert found["error"] in ("InsufficientMemory", "CloneRefused", ""), found
    # The child maps a table only when it needs it, so with more than this it may succeed.
    if spare < 2 << 20:
        assert found["error"] != ""
    check(host.call("life", "captures", 1), 1)
