"""Where EvaluateCode runs: its own thread, the host's event loop, or its main thread."""

from __future__ import annotations

import grpc
import pytest
from fix_certs import Identity
from fix_evaluation import (
    COMPLETED,
    EVENT_LOOP,
    INVALID_SOURCE,
    MAIN_THREAD,
    NOT_STARTED,
    RAISED,
    STILL_RUNNING,
    TIMED_OUT,
    WORKER_THREAD,
    begin_evaluation,
    end_evaluation,
    evaluate,
)
from fix_host import Host, StartHost
from fix_status import status_of

from ops_service.v1 import process_pb2

START_LOOP = """
import asyncio, threading
loop = asyncio.new_event_loop()
loop_errors = []
loop.set_exception_handler(lambda loop, context: loop_errors.append(str(context)))
loop_thread = threading.Thread(target=loop.run_forever, name='app-loop', daemon=True)
loop_thread.start()
ticks = []
async def tick():
    while True:
        ticks.append(1)
        await asyncio.sleep(0.001)
ticking = asyncio.run_coroutine_threadsafe(tick(), loop)
"""


@pytest.fixture(scope="module")
def looping(start_shared_host: StartHost) -> Host:
    """A host with an event loop in a separate thread."""
    host = start_shared_host()
    host.run(START_LOOP)
    host.wait_for("ticks")
    return host


def assert_loop_lives(host: Host) -> None:
    ticks = host.run("answer = len(ticks)")
    host.wait_for(f"len(ticks) > {ticks}")
    assert host.run("answer = loop_errors") == []


def places(host: Host, identity: Identity) -> list[int]:
    reply = host.stub(identity).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    return list(reply.evaluation_places)


def test_the_process_tells_its_places(
    host: Host, looping: Host, start_host: StartHost, admin: Identity
) -> None:
    assert places(host, admin) == [WORKER_THREAD, MAIN_THREAD]
    assert places(looping, admin) == [WORKER_THREAD, EVENT_LOOP, MAIN_THREAD]
    assert places(start_host(evaluation={"enabled": False}), admin) == []


# ---- the event loop ----------------------------------------------------------------


def test_code_that_awaits_runs_on_the_loop(looping: Host, admin: Identity) -> None:
    done = evaluate(
        looping,
        admin,
        "import threading\nbefore = await asyncio.sleep(0.01, 'slept')\n"
        "print(before)\nthreading.current_thread().name",
    )
    assert (done.result.outcome, done.result.value_repr) == (COMPLETED, "'app-loop'")
    assert done.stdout == "slept\n"
    assert done.result.place == EVENT_LOOP
    done = evaluate(looping, admin, "await asyncio.sleep(0, 7)")
    assert done.result.value.number_value == 7
    assert_loop_lives(looping)


def test_code_that_does_not_await_can_run_there_too(looping: Host, admin: Identity) -> None:
    done = evaluate(looping, admin, "asyncio.get_running_loop() is loop", place=EVENT_LOOP)
    assert (done.result.value_repr, done.result.place) == ("True", EVENT_LOOP)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("await asyncio.sleep(0); 1 / 0", "ZeroDivisionError"),
        ("await asyncio.sleep(0); raise SystemExit(3)", "SystemExit"),
        ("await asyncio.sleep(0); raise KeyboardInterrupt", "KeyboardInterrupt"),
        (
            "await asyncio.sleep(0); raise asyncio.CancelledError",
            "asyncio.exceptions.CancelledError",
        ),
        ("await 7", "TypeError"),
    ],
)
def test_no_exception_reaches_the_loop(
    looping: Host, admin: Identity, source: str, name: str
) -> None:
    done = evaluate(looping, admin, source)
    assert done.result.outcome == RAISED
    assert done.result.exception.type_name == name
    assert_loop_lives(looping)


@pytest.mark.parametrize(
    "source",
    [
        "await asyncio.sleep(60)",
        "await asyncio.sleep(0)\nwhile True: pass",
        "while True: await asyncio.sleep(0)",
        "import time\nawait asyncio.sleep(0)\nwhile True: time.sleep(0.001)",
        "try: await asyncio.sleep(60)\nexcept asyncio.CancelledError: await asyncio.sleep(60)",
    ],
)
def test_what_runs_there_is_stopped(looping: Host, admin: Identity, source: str) -> None:
    done = evaluate(looping, admin, source, limit_ms=200)
    assert done.result.outcome == TIMED_OUT
    assert done.result.elapsed.ToNanoseconds() / 1e9 < 3
    assert_loop_lives(looping)


def test_what_swallows_every_cancellation_is_still_running(
    start_host: StartHost, admin: Identity
) -> None:
    host = start_host()
    host.run(START_LOOP + "finish = False")
    source = (
        "while not app['finish']:\n  try: await asyncio.sleep(0.01)\n"
        "  except asyncio.CancelledError: pass"
    )
    host.run("app = globals()")
    done = evaluate(host, admin, source, limit_ms=100)
    assert done.result.outcome == STILL_RUNNING
    reply = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    (running,) = reply.running_evaluations
    assert (running.past_time_limit, running.place) == (True, EVENT_LOOP)
    host.run("finish = True")
    host.wait_for("len(asyncio.all_tasks(loop)) == 1")
    assert_loop_lives(host)


def test_a_loop_that_does_not_take_it_up(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    host.run(START_LOOP + "gate = threading.Event(); loop.call_soon_threadsafe(gate.wait)")
    done = evaluate(host, admin, "await asyncio.sleep(0); ran = app['ran'] = True", limit_ms=100)
    assert done.result.outcome == NOT_STARTED
    host.run("gate.set()")
    assert_loop_lives(host)
    # Nor does it run later.
    assert host.run("answer = 'ran' in globals()") is False
    host.wait_for("not service_evaluations()")


def test_no_loop_no_await(host: Host, admin: Identity) -> None:
    done = evaluate(host, admin, "await x")
    assert done.result.outcome == NOT_STARTED
    assert "event_loop" in done.result.exception.message
    done = evaluate(host, admin, "await x", place=WORKER_THREAD)
    assert (done.result.outcome, done.result.exception.type_name) == (INVALID_SOURCE, "SyntaxError")
    with pytest.raises(grpc.RpcError) as raised:
        evaluate(host, admin, "1", place=EVENT_LOOP)
    status = status_of(raised.value)
    assert (status.code, status.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "PLACE_UNAVAILABLE",
    )


# ---- the main thread ---------------------------------------------------------------

IS_MAIN = "import threading\nthreading.current_thread() is threading.main_thread()"


def test_the_main_thread(host: Host, admin: Identity) -> None:
    call = begin_evaluation(host, admin, f"print('there')\n{IS_MAIN}", place=MAIN_THREAD)
    host.run("main_thread_work.get()()")
    done = end_evaluation(call)
    assert (done.result.value_repr, done.stdout) == ("True", "there\n")
    assert done.result.place == MAIN_THREAD
    assert evaluate(host, admin, IS_MAIN).result.value_repr == "False"


@pytest.mark.parametrize("source", ["sys.exit(1)", "raise KeyboardInterrupt", "1 / 0"])
def test_no_exception_reaches_the_main_thread(host: Host, admin: Identity, source: str) -> None:
    call = begin_evaluation(host, admin, source, place=MAIN_THREAD)
    host.run("main_thread_work.get()()")
    assert end_evaluation(call).result.outcome == RAISED


def test_a_loop_in_the_main_thread_is_stopped(host: Host, admin: Identity) -> None:
    call = begin_evaluation(host, admin, "while True: pass", place=MAIN_THREAD, limit_ms=300)
    host.run("main_thread_work.get()()\nanswer = sum(range(1000))")
    assert end_evaluation(call).result.outcome == TIMED_OUT


def test_a_main_thread_that_does_not_take_it_up(host: Host, admin: Identity) -> None:
    done = evaluate(host, admin, "app_ran = True", place=MAIN_THREAD, limit_ms=100)
    assert done.result.outcome == NOT_STARTED
    # It was stopped before it ran, so it runs nothing.
    host.run("main_thread_work.get()()")
    host.wait_for("not service_evaluations()")


def test_an_executor_that_takes_another_thread(host: Host, admin: Identity) -> None:
    call = begin_evaluation(host, admin, "1", place=MAIN_THREAD)
    host.run(
        "import threading\nwork = main_thread_work.get()\n"
        "thread = threading.Thread(target=work); thread.start(); thread.join()"
    )
    done = end_evaluation(call)
    assert done.result.outcome == NOT_STARTED
    assert "main thread" in done.result.exception.message
