"""Evaluations and operations find the same event loop of the application."""

from __future__ import annotations

from typing import Any

import pytest
from fix_certs import Identity
from fix_client import Connect, credentials_of
from fix_evaluation import COMPLETED, EVENT_LOOP, evaluate
from fix_host import ADMIN, ALL, Host, StartHost

from ops_client.errors import OperationUnavailable
from ops_service.v1 import operations_pb2, process_pb2

APPLICATION = """
import asyncio, threading, ops_service

def start_loop(name):
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name=name, daemon=True).start()
    return loop

@ops_service.operation
async def where() -> str:
    return threading.current_thread().name
"""
TASK = """
async def for_ever(): await asyncio.Event().wait()
held = asyncio.run_coroutine_threadsafe(for_ever(), {loop})
"""


@pytest.fixture
def host(start_host: StartHost) -> Host:
    grant = {"principal": ADMIN, "capabilities": ALL, "operations": ["*"]}
    host = start_host(serve=False, grants=[grant])
    host.run(APPLICATION)
    return host


def places_where_both_run(host: Host, connect: Connect, admin: Identity) -> tuple[str, str]:
    """Names of two threads: the one that runs evaluated code that awaits, and an operation's."""
    reply = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    assert EVENT_LOOP in reply.evaluation_places
    done = evaluate(
        host, admin, "import threading; await asyncio.sleep(0); threading.current_thread().name"
    )
    assert done.result.outcome == COMPLETED
    client: Any = connect(host.address, credentials_of(admin))
    result = client.invoke_operation("where").result
    assert result.outcome == operations_pb2.OPERATION_OUTCOME_COMPLETED
    return done.result.value.string_value, result.value.string_value


def test_a_loop_that_has_no_task_yet(host: Host, connect: Connect, admin: Identity) -> None:
    host.run("loop = start_loop('idle')")
    host.start_service()
    host.wait_for("loop.is_running()")
    assert places_where_both_run(host, connect, admin) == ("idle", "idle")


def test_two_loops_of_which_one_was_named(host: Host, connect: Connect, admin: Identity) -> None:
    host.run("other = start_loop('other')\nevent_loop = start_loop('named')")
    host.run(TASK.format(loop="other"))
    host.start_service()
    host.wait_for("other.is_running() and event_loop.is_running()")
    assert places_where_both_run(host, connect, admin) == ("named", "named")


def test_a_loop_that_no_frame_of_python_runs(host: Host, connect: Connect, admin: Identity) -> None:
    pytest.importorskip("uvloop", reason="uvloop has no wheel for this Python")
    host.run(
        "import uvloop\nloop = uvloop.new_event_loop()\n"
        "threading.Thread(target=loop.run_forever, name='uv', daemon=True).start()"
    )
    host.run(TASK.format(loop="loop"))
    host.start_service()
    host.wait_for("loop.is_running() and asyncio.all_tasks(loop)")
    assert places_where_both_run(host, connect, admin) == ("uv", "uv")


def test_two_loops_of_which_none_was_named(host: Host, connect: Connect, admin: Identity) -> None:
    host.run("first, second = start_loop('first'), start_loop('second')")
    host.start_service()
    host.wait_for("first.is_running() and second.is_running()")
    reply = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    assert EVENT_LOOP not in reply.evaluation_places
    client: Any = connect(host.address, credentials_of(admin))
    with pytest.raises(OperationUnavailable, match="there are several"):
        client.invoke_operation("where")
