"""CaptureStacks over the wire, through both clients and opsctl."""

from __future__ import annotations

import json
import sys

import grpc
import pytest
from fix_certs import Identity
from fix_client import Connect, credentials_of
from fix_host import Host
from fix_opsctl import Opsctl, environment_of
from fix_status import status_of
from google.protobuf.duration_pb2 import Duration

from ops_client import MaintenanceClient, Stacks
from ops_client.cli.exit_codes import ExitCode
from ops_service.heap.engine import engine_status
from ops_service.v1 import stacks_pb2

TASK = stacks_pb2.STACK_OWNER_TASK
THREAD = stacks_pb2.STACK_OWNER_THREAD

THREADS = """
import threading
gate = threading.Event()
def waits_at_the_gate():
    secret = 'content of a local'
    gate.wait()
waiters = [
    threading.Thread(target=waits_at_the_gate, name=f'waiter {i}', daemon=i > 0) for i in range(3)
]
for each in waiters: each.start()
"""

LOOP = """
import asyncio, threading
async def sleeps(): await asyncio.sleep(1000)
async def yields():
    await sleeps()
    yield 1
async def reads():
    async for each in yields(): pass
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, name='loop', daemon=True).start()
def on_loop(coroutine): return asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)
async def start(count): return [asyncio.create_task(reads(), name=f'r{i}') for i in range(count)]
tasks = on_loop(start(50))
"""

LOCKS = """
import threading, time
class Account:
    def __init__(self): self.lock = threading.Lock()
barrier = threading.Barrier(2)
def transfer(one, other):
    with one.lock:
        barrier.wait()
        try:
            with other.lock: pass
        finally: pass
a, b = Account(), Account()
for name, args in (('ab', (a, b)), ('ba', (b, a))):
    threading.Thread(target=transfer, args=args, name=name, daemon=True).start()
first, second = threading.RLock(), threading.Lock()
pair = threading.Barrier(2)
def one():
    with first:
        pair.wait()
        second.acquire()
def two():
    with second:
        pair.wait()
        first.acquire()
for each in (one, two):
    threading.Thread(target=each, name=each.__name__, daemon=True).start()
"""

CIRCLE = """
async def circle():
    one, other, box = asyncio.Lock(), asyncio.Lock(), []
    async def holds(mine, others):
        async with mine:
            await asyncio.sleep(0)
            async with others: pass
    async def awaits(index):
        await asyncio.sleep(0)
        await box[index]
    box += [asyncio.create_task(awaits(1 - i), name=f'awaits {i}') for i in range(2)]
    more = []
    async def either():
        await asyncio.sleep(0)
        await asyncio.wait([more[0], tasks[0]], return_when='FIRST_COMPLETED')
    async def needs():
        await asyncio.sleep(0)
        await more[1]
    # No circle: the other task may end the wait.
    more += [asyncio.create_task(needs()), asyncio.create_task(either(), name='either')]
    return box + more + [
        asyncio.create_task(holds(one, other), name='holds one'),
        asyncio.create_task(holds(other, one), name='holds other'),
    ]
circling = on_loop(circle())
"""


@pytest.fixture(scope="module")
def client(host: Host, viewer: Identity) -> MaintenanceClient:
    host.run(THREADS)
    host.run(LOOP)
    # Gives the tasks time to begin.
    host.run("on_loop(asyncio.sleep(0.01))")
    return MaintenanceClient(host.address, credentials_of(viewer))


def functions(group: stacks_pb2.StackGroup) -> list[str]:
    return [frame.function for frame in group.frames]


def group_in(stacks: Stacks, function: str) -> stacks_pb2.StackGroup:
    """The only group that has a function on its stack."""
    groups = [group for group in stacks.groups if function in functions(group)]
    assert len(groups) == 1, groups
    return groups[0]


def test_threads(client: MaintenanceClient, host: Host) -> None:
    stacks = client.capture_stacks(sample_distance=0.1)
    group = group_in(stacks, "waits_at_the_gate")
    assert (group.owner, group.count, group.unmoved_count) == (THREAD, 3, 3)
    assert functions(group)[-3:] == ["waits_at_the_gate", "Event.wait", "Condition.wait"]
    assert [group.frames[-3].file, group.frames[-3].line] == ["<test>", 6]
    assert not group.frames_left_out
    members = {member.name: member for member in group.members}
    assert set(members) == {"waiter 0", "waiter 1", "waiter 2"}
    assert [members[f"waiter {i}"].daemon for i in range(3)] == [False, True, True]
    native = host.run("answer = [each.native_id for each in waiters]")
    assert [members[f"waiter {i}"].native_id for i in range(3)] == native
    for member in group.members:
        assert member.unmoved
        assert member.wait.what == "threading.Event"
        assert member.wait.object_id == host.run("answer = id(gate)")
        assert member.cpu_time.ToNanoseconds() == 0
    assert "content of a local" not in str(stacks)
    assert stacks.header.process.instance_id == host.instance_id
    assert len(stacks.trailer.sample_times) == 2


def test_tasks_with_what_they_await(client: MaintenanceClient) -> None:
    stacks = client.capture_stacks(sample_distance=0.1)
    group = group_in(stacks, "reads")
    assert (group.owner, group.count, group.unmoved_count) == (TASK, 50, 50)
    assert functions(group) == ["reads", "yields", "sleeps", "sleep"]
    assert len(group.members) == 20
    assert {member.wait.what for member in group.members} == {"asyncio.sleep"}
    assert not group.created_frames
    counts = [group.count for group in stacks.groups]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == stacks.trailer.thread_count + stacks.trailer.task_count


def test_where_tasks_were_created(client: MaintenanceClient, host: Host) -> None:
    host.run("loop.set_debug(True)\nmore = on_loop(start(3))\nloop.set_debug(False)")
    host.run("on_loop(asyncio.sleep(0.01))")
    stacks = client.capture_stacks(sample_distance=0)
    host.run("async def cancel():\n    for each in more: each.cancel()\non_loop(cancel())")
    groups = [group for group in stacks.groups if "reads" in functions(group)]
    assert [group.count for group in groups] == [50, 3]
    assert "start" in [frame.function for frame in groups[1].created_frames]


def test_a_task_that_runs(client: MaintenanceClient, host: Host) -> None:
    host.run(
        "held = threading.Event()\n"
        "def blocks_the_loop(): held.wait()\n"
        "async def runs(): blocks_the_loop()\n"
        "running = asyncio.run_coroutine_threadsafe(runs(), loop)"
    )
    stacks = client.capture_stacks(sample_distance=0)
    while not any("blocks_the_loop" in functions(group) for group in stacks.groups):
        stacks = client.capture_stacks(sample_distance=0)
    host.run("held.set(); running.result(60)")
    task = next(g for g in stacks.groups if g.owner == TASK and "runs" in functions(g))
    assert functions(task) == ["runs", "blocks_the_loop", "Event.wait", "Condition.wait"]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="from 3.12 on locals can be read")
def test_a_lock_in_a_local_is_unknown_before_312(client: MaintenanceClient, host: Host) -> None:
    host.run(LOCKS)
    host.wait_for("barrier.n_waiting == 0 and pair.n_waiting == 0")
    cycles = client.capture_stacks(sample_distance=0.2).trailer.cycles
    assert [{step.name for step in cycle.steps} for cycle in cycles] == [
        {"thread 'one'", "thread 'two'"}
    ]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="locals cannot be read without harm")
def test_circles(client: MaintenanceClient, host: Host) -> None:
    assert not client.capture_stacks(sample_distance=0).trailer.cycles
    host.run(LOCKS)
    host.run(CIRCLE)
    expected = {
        frozenset({("thread 'ab'", "threading.Lock"), ("thread 'ba'", "threading.Lock")}),
        frozenset({("thread 'one'", "threading.Lock"), ("thread 'two'", "threading.RLock")}),
        frozenset({("task 'awaits 0'", "asyncio.Task"), ("task 'awaits 1'", "asyncio.Task")}),
        frozenset({("task 'holds one'", "asyncio.Lock"), ("task 'holds other'", "asyncio.Lock")}),
    }
    found: set[frozenset[tuple[str, str]]] = set()
    # Repeat until all of them wait.
    while len(found) < len(expected):
        stacks = client.capture_stacks(sample_distance=0.05)
        found = {
            frozenset((step.name, step.what) for step in cycle.steps)
            for cycle in stacks.trailer.cycles
        }
    assert found == expected
    group = group_in(stacks, "transfer")
    members = {member.name: member.wait for member in group.members}
    assert (members["ab"].holder, members["ba"].holder) == ("thread 'ba'", "thread 'ab'")
    assert members["ab"].object_id == host.run("answer = id(b.lock)")
    text = stacks.text()
    assert "thread 'ab' waits for thread 'ba' (threading.Lock)" in text
    assert "50 tasks, 50 did not move" in text


CONDITION = """
import threading
condition, never = threading.Condition(threading.Lock()), threading.Event()
def waits():
    with condition:
        entered.release()
        condition.wait()
def holds():
    with condition:
        entered.release()
        never.wait()
def wants():
    with condition: pass
entered = threading.Semaphore(0)
for each in (waits, holds, wants):
    threading.Thread(target=each, name=each.__name__, daemon=True).start()
    if each is not wants: entered.acquire()
simple = threading.Lock()
def twice():
    with simple:
        with simple: pass
threading.Thread(target=twice, name='twice', daemon=True).start()
"""


def test_who_waits_with_a_condition_holds_nothing(client: MaintenanceClient, host: Host) -> None:
    host.run(CONDITION)
    stacks = client.capture_stacks(sample_distance=0.05)
    # Repeat until all of them wait.
    while not (
        {"wants", "Condition.__enter__"} <= {f for g in stacks.groups for f in functions(g)}
        and any("twice" in step.name for cycle in stacks.trailer.cycles for step in cycle.steps)
    ):
        stacks = client.capture_stacks(sample_distance=0.05)
    members = {member.name: member.wait for g in stacks.groups for member in g.members}
    assert members["wants"].holder == "thread 'holds'"
    assert members["waits"].what == "threading.Condition"
    # A thread that waits for its own lock is a cycle too.
    assert members["twice"].holder == "thread 'twice'"
    cycles = [[step.name for step in cycle.steps] for cycle in stacks.trailer.cycles]
    assert ["thread 'twice'"] in cycles
    assert not any("thread 'wants'" in cycle for cycle in cycles)
    host.run("never.set()")


def test_the_service_itself_shows_if_asked(client: MaintenanceClient) -> None:
    def names(stacks: Stacks) -> set[str]:
        return {member.name for group in stacks.groups for member in group.members}

    hidden = client.capture_stacks(sample_distance=0)
    shown = client.capture_stacks(sample_distance=0, include_ops_service=True)
    assert not any(name.startswith("ops_service") for name in names(hidden))
    assert {"ops_service", "ops_service-audit"} <= names(shown)
    assert "MainThread" in names(hidden)


needs_engine = pytest.mark.skipif(
    not engine_status().available, reason="the engine, which finds greenlets, does not run here"
)


@needs_engine
def test_greenlets(client: MaintenanceClient, host: Host) -> None:
    host.run(
        "import greenlet\n"
        "def inner(): greenlet.getcurrent().parent.switch()\n"
        "def green(): inner()\n"
        "greenlets = [greenlet.greenlet(green) for _ in range(4)]\n"
        "for each in greenlets: each.switch()"
    )
    stacks = client.capture_stacks(sample_distance=0.05)
    group = group_in(stacks, "green")
    assert (group.owner, group.count) == (stacks_pb2.STACK_OWNER_GREENLET, 4)
    assert functions(group) == ["green", "inner"]
    assert group.unmoved_count == 4
    assert stacks.trailer.greenlet_count == 4


@needs_engine
def test_greenlets_that_the_collector_moves_meanwhile_count_once(
    client: MaintenanceClient, host: Host
) -> None:
    host.run(
        "import gc, greenlet\n"
        "class Moved(greenlet.greenlet):\n"
        "    @property\n"
        "    def gr_frame(self):\n"
        "        gc.collect(0)\n"
        "        return super().gr_frame\n"
        "def green(): greenlet.getcurrent().parent.switch()\n"
        "gc.disable()\n"
        "greenlets = [Moved(green) for _ in range(4)]\n"
        "for each in greenlets: each.switch()"
    )
    stacks = client.capture_stacks(sample_distance=0)
    assert group_in(stacks, "green").count == 4
    assert stacks.trailer.greenlet_count == 4
    host.run("gc.enable()")


def test_a_search_for_greenlets_does_not_disturb_tuples_that_are_built(
    client: MaintenanceClient, host: Host
) -> None:
    # If a growing tuple gets a second reference, its construction fails with SystemError.
    host.run(
        "import greenlet, sys, threading\n"
        # So that threads take turns in the middle of a search, as they do in a larger heap.
        "sys.setswitchinterval(1e-4)\n"
        "failures, built, over = [], 0, threading.Event()\n"
        "def build():\n"
        "    global built\n"
        "    while not over.is_set():\n"
        "        try: tuple(i for i in range(300))\n"
        "        except SystemError as error: failures.append(str(error))\n"
        "        built += 1\n"
        "threads = [threading.Thread(target=build, daemon=True) for _ in range(3)]\n"
        "for each in threads: each.start()"
    )
    for _ in range(10):
        client.capture_stacks(sample_distance=0)
    host.run("over.set()\nfor each in threads: each.join()")
    assert host.run("answer = built") > 0
    assert host.run("answer = failures") == []


def test_both_clients(connect: Connect, host: Host, viewer: Identity, client: object) -> None:
    stacks = connect(host.address, credentials_of(viewer)).capture_stacks(
        sample_distance=0, limit=1
    )
    assert len(stacks.groups) == 1
    assert stacks.groups[0].count == 50
    assert stacks.trailer.group_count > 1
    assert "The 1 largest groups are shown." in stacks.text()
    assert not stacks.header.HasField("sample_distance")


def test_opsctl(opsctl: Opsctl, host: Host, viewer: Identity, client: object) -> None:
    operator = environment_of(host.address, viewer)
    run = opsctl("stacks", "--distance", 0.1, env=operator)
    assert run.returncode == ExitCode.OK
    # What cannot be seen without the engine is said there.
    assert run.stderr == "" or not engine_status().available
    assert "50 tasks, 50 did not move" in run.stdout
    assert "<test>:6 in waits_at_the_gate" in run.stdout

    run = opsctl("stacks", "--distance", 0, "--folded", env=operator)
    assert run.returncode == ExitCode.OK
    # What cannot be seen without the engine is said there.
    assert run.stderr == "" or not engine_status().available
    (line,) = [line for line in run.stdout.splitlines() if "reads" in line]
    stack, _, count = line.rpartition(" ")
    assert count == "50"
    assert [each.partition(" ")[0] for each in stack.split(";")] == [
        *("task", "reads", "yields", "sleeps", "sleep")
    ]

    run = opsctl("stacks", "--distance", 0, "--json", env=operator)
    assert run.returncode == ExitCode.OK
    document = json.loads(run.stdout)
    assert document["groups"][0]["owner"] == "STACK_OWNER_TASK"
    assert document["trailer"]["task_count"] >= 50


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (stacks_pb2.CaptureStacksRequest(sample_distance=Duration(seconds=-1)), "sample_distance"),
        (stacks_pb2.CaptureStacksRequest(sample_distance=Duration(seconds=61)), "sample_distance"),
        (stacks_pb2.CaptureStacksRequest(limit=100_001), "limit"),
    ],
)
def test_bad_input(
    host: Host, viewer: Identity, request_: stacks_pb2.CaptureStacksRequest, field: str
) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        list(host.stub(viewer).CaptureStacks(request_, timeout=120))
    status = status_of(raised.value)
    assert (status.reason, status.details["field"]) == ("INVALID_REQUEST", field)


def test_a_caller_that_goes_away_frees_its_thread(host: Host, viewer: Identity) -> None:
    request = stacks_pb2.CaptureStacksRequest(sample_distance=Duration(seconds=60))
    call = host.stub(viewer).CaptureStacks(request, timeout=120)
    host.run("import threading")
    working = "'ops_service-work' in [t.name for t in threading.enumerate()]"
    host.wait_for(working)
    call.cancel()
    host.wait_for(f"not ({working})")
