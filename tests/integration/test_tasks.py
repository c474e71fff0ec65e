"""Every task is found, whatever loop it belongs to, and who waits for whom."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from fix_certs import Identity
from fix_client import credentials_of
from fix_host import Host

from ops_client import MaintenanceClient, Stacks
from ops_service.heap.engine import engine_status
from ops_service.v1 import stacks_pb2

TASK = stacks_pb2.STACK_OWNER_TASK

# From 3.14 on, asyncio registers tasks by thread, and finds them by loop.
by_loop = sys.version_info >= (3, 14)
needs_search = pytest.mark.skipif(
    by_loop and not engine_status().available,
    reason="the engine does not run here, and finds loops that do not run",
)

APPLICATION = """
import asyncio, threading
def start_loop(make=asyncio.new_event_loop):
    loop = make()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop
def on(loop, coroutine): return asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)
async def settle():
    for _ in range(10): await asyncio.sleep(0)
async def create(loop, wait, count=5):
    return [asyncio.create_task(wait(), name=f'{wait.__name__} {i}') for i in range(count)]
"""


@pytest.fixture(scope="module")
def client(host: Host, viewer: Identity) -> MaintenanceClient:
    host.run(APPLICATION)
    return MaintenanceClient(host.address, credentials_of(viewer))


def tasks_in(stacks: Stacks, *functions: str) -> dict[str, int]:
    """How many tasks have each of these functions outermost on their stack."""
    found: Counter[str] = Counter()
    for group in stacks.groups:
        if group.owner == TASK:
            found[group.frames[0].function] += group.count
    return {name: found[name] for name in functions}


def test_tasks_of_loops_in_threads(client: MaintenanceClient, host: Host) -> None:
    host.run(
        "loops = [start_loop() for _ in range(3)]\n"
        "async def in_thread(): await asyncio.sleep(1000)\n"
        "tasks = [on(loop, create(loop, in_thread)) for loop in loops]\n"
        "for loop in loops: on(loop, settle())"
    )
    stacks = client.capture_stacks(sample_distance=0.05)
    assert tasks_in(stacks, "in_thread") == {"in_thread": 15}
    (group,) = [g for g in stacks.groups if g.frames[0].function == "in_thread"]
    assert group.unmoved_count == 15
    assert not stacks.trailer.warnings or by_loop


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no tasks that start eagerly")
def test_tasks_that_started_eagerly_and_those_of_other_kinds(
    client: MaintenanceClient, host: Host
) -> None:
    host.run(
        "loop = start_loop()\n"
        "async def eager(): await asyncio.sleep(1000)\n"
        "async def in_python(): await asyncio.sleep(1000)\n"
        "async def derived(): await asyncio.sleep(1000)\n"
        "class Derived(asyncio.Task): pass\n"
        "async def start():\n"
        "    loop.set_task_factory(asyncio.eager_task_factory)\n"
        "    kept = [asyncio.create_task(eager()) for _ in range(3)]\n"
        "    loop.set_task_factory(None)\n"
        "    kept += [asyncio.tasks._PyTask(in_python()) for _ in range(2)]\n"
        "    kept += [Derived(derived()) for _ in range(4)]\n"
        "    await settle()\n"
        "    return kept\n"
        "kept = on(loop, start())"
    )
    expected = {"eager": 3, "in_python": 2, "derived": 4}
    assert tasks_in(client.capture_stacks(sample_distance=0), *expected) == expected


def test_a_task_that_blocks_while_it_starts_eagerly(client: MaintenanceClient, host: Host) -> None:
    if sys.version_info < (3, 12):
        pytest.skip("no tasks that start eagerly")
    host.run(
        "loop, gate, entered = start_loop(), threading.Event(), threading.Event()\n"
        "async def blocks():\n"
        "    entered.set()\n"
        "    gate.wait()\n"
        "async def starts():\n"
        "    loop.set_task_factory(asyncio.eager_task_factory)\n"
        "    asyncio.create_task(blocks())\n"
        "starting = asyncio.run_coroutine_threadsafe(starts(), loop)\n"
        "entered.wait()"
    )
    found = tasks_in(client.capture_stacks(sample_distance=0), "starts", "blocks")
    host.run("gate.set(); starting.result(60)")
    assert found == {"starts": 1, "blocks": 1}


def test_tasks_of_the_main_threads_loop_while_it_does_not_run(
    client: MaintenanceClient, host: Host
) -> None:
    host.run(
        "loop = asyncio.new_event_loop()\n"
        "asyncio.set_event_loop(loop)\n"
        "async def in_main(): await asyncio.sleep(1000)\n"
        "tasks = loop.run_until_complete(create(loop, in_main))\n"
        "loop.run_until_complete(settle())"
    )
    found = tasks_in(client.capture_stacks(sample_distance=0), "in_main")
    assert found == {"in_main": 5}


RESTING = """
async def rests(): await asyncio.sleep(1000)
def run_and_end():
    global loop, resting
    loop = asyncio.new_event_loop()
    resting = loop.run_until_complete(create(loop, rests))
    loop.run_until_complete(settle())
thread = threading.Thread(target=run_and_end)
thread.start()
thread.join()
"""


@needs_search
def test_tasks_of_a_loop_whose_thread_has_ended(client: MaintenanceClient, host: Host) -> None:
    host.run(RESTING)
    stacks = client.capture_stacks(sample_distance=0.05)
    assert tasks_in(stacks, "rests") == {"rests": 5}
    assert not stacks.trailer.warnings


@pytest.mark.skipif(not by_loop, reason="every task is in a set here")
def test_a_search_that_is_not_possible_is_said(client: MaintenanceClient, host: Host) -> None:
    if engine_status().available:
        pytest.skip("the engine runs here, and searches")
    host.run(RESTING)
    stacks = client.capture_stacks(sample_distance=0)
    assert tasks_in(stacks, "rests") == {"rests": 0}
    (warning,) = stacks.trailer.warnings
    assert "Tasks may be missing of event loops that do not run now" in warning
    # The same tasks are found once their loop runs, though their thread has ended.
    host.run("threading.Thread(target=loop.run_forever, daemon=True).start()")
    host.wait_for("loop.is_running()")
    assert tasks_in(client.capture_stacks(sample_distance=0), "rests") == {"rests": 5}


@pytest.mark.parametrize(
    "run",
    [
        "threading.Thread(target=loop.run_forever, daemon=True).start()",
        "def run(loop): loop.run_until_complete(settle_and_wait())\n"
        "threading.Thread(target=run, args=(loop,), daemon=True).start()",
        "def run():\n"
        "    with asyncio.Runner(loop_factory=lambda: loop) as r: r.run(settle_and_wait())\n"
        "threading.Thread(target=run, daemon=True).start()",
    ],
    ids=["thread", "variable", "Runner"],
)
def test_tasks_of_a_loop_without_a_frame(client: MaintenanceClient, host: Host, run: str) -> None:
    pytest.importorskip("uvloop", reason="uvloop has no wheel for this Python")
    if sys.version_info < (3, 12) and "loop_factory" in run:
        pytest.skip("asyncio.Runner closes a loop in another thread")
    host.run(
        "import uvloop\nloop = uvloop.new_event_loop()\n"
        "async def settle_and_wait(): await asyncio.Event().wait()\n"
        "async def on_uvloop(): await asyncio.sleep(1000)\n" + run
    )
    host.wait_for("loop.is_running()")
    host.run("tasks = on(loop, create(loop, on_uvloop)); on(loop, settle())")
    found = tasks_in(client.capture_stacks(sample_distance=0), "on_uvloop")
    host.run("async def cancel():\n    for each in tasks: each.cancel()\non(loop, cancel())")
    assert found == {"on_uvloop": 5}


WAITS = """
loop = start_loop()
async def circles():
    box = {}
    def start(wait, name):
        box[name] = asyncio.create_task(wait, name=name)
    async def after(): await settle()
    async def gathers(name):
        await settle()
        await asyncio.gather(asyncio.sleep(1000), asyncio.shield(box[name]))
    async def nests(name):
        await settle()
        await asyncio.shield(asyncio.gather(asyncio.gather(box[name])))
    async def waits(name):
        await settle()
        await asyncio.wait([box[name]])
    async def times_out(name):
        await settle()
        await asyncio.wait_for(asyncio.shield(box[name]), 1000)
    async def groups(name):
        await settle()
        async with asyncio.TaskGroup() as group:
            group.create_task(awaits(name), name=f'child of {name}')
    async def body(name):
        async with asyncio.TaskGroup() as group:
            group.create_task(awaits(name), name=f'child in {name}')
            # The group's task waits for something else, and for no task yet.
            await asyncio.sleep(1000)
    async def awaits(name):
        await settle()
        await box[name]
    async def any_of(name):
        await settle()
        await asyncio.wait([box[name], box['sleeps']], return_when='FIRST_COMPLETED')
    async def sleeps(): await asyncio.sleep(1000)
    start(sleeps(), 'sleeps')
    for kind in (gathers, nests, waits, times_out, groups):
        start(kind(f'back from {kind.__name__}'), kind.__name__)
        start(awaits(kind.__name__), f'back from {kind.__name__}')
    start(any_of('back from any_of'), 'any_of')
    start(awaits('any_of'), 'back from any_of')
    start(body('body'), 'body')
    await settle()
    await settle()
    return box
box = on(loop, circles())
on(loop, settle())
on(loop, settle())
"""


def test_circles_through_each_way_to_wait_for_a_task(client: MaintenanceClient, host: Host) -> None:
    host.run(WAITS)
    stacks = client.capture_stacks(sample_distance=0.05)
    circles = {
        frozenset((step.name, step.what) for step in cycle.steps) for cycle in stacks.trailer.cycles
    }
    # In each, one task waits in this way for another, which awaits the first.
    expected = {"gathers": "gather", "nests": "shield", "waits": "wait", "times_out": "shield"}
    if sys.version_info < (3, 12):
        # There wait_for makes a task of its own for what it waits for.
        expected = {name: how for name, how in expected.items() if name != "times_out"}
        circles = {c for c in circles if not any(name == "task 'times_out'" for name, _ in c)}
    assert circles == {
        *(
            frozenset(
                {
                    (f"task '{name}'", f"asyncio.{how}"),
                    (f"task 'back from {name}'", "asyncio.Task"),
                }
            )
            for name, how in expected.items()
        ),
        frozenset(
            {
                ("task 'groups'", "asyncio.TaskGroup"),
                ("task 'child of back from groups'", "asyncio.Task"),
                ("task 'back from groups'", "asyncio.Task"),
            }
        ),
    }
    members = {m.name: m.wait for group in stacks.groups for m in group.members}
    assert members["nests"].holder == "task 'back from nests'"
    assert members["any_of"].what == "asyncio.wait"
    assert members["any_of"].holder == ""
    assert members["body"].what == "asyncio.sleep"
    assert members["body"].holder == ""


OPAQUE = """
class Opaque:
    # As a compiled coroutine: it runs another, and shows nothing of it.
    def __init__(self, coroutine): self._steps = coroutine.__await__()
    def __await__(self): return self
    def __iter__(self): return self
    def __next__(self): return next(self._steps)
loop = start_loop()
async def opaque():
    box = {}
    async def all_of():
        await settle()
        await Opaque(asyncio.wait([box['back']]))
    async def any_of():
        await settle()
        await Opaque(asyncio.wait([box['back'], box['all_of']], return_when='FIRST_COMPLETED'))
    async def back():
        await settle()
        await box['all_of']
    for each in (back, all_of, any_of):
        box[each.__name__] = asyncio.create_task(each(), name=f'opaque {each.__name__}')
    await settle()
    await settle()
    return box
opaque_box = on(loop, opaque())
on(loop, settle())
"""


def test_a_wait_inside_a_coroutine_without_a_frame(client: MaintenanceClient, host: Host) -> None:
    host.run(OPAQUE)
    stacks = client.capture_stacks(sample_distance=0.05)
    members = {m.name: m.wait for group in stacks.groups for m in group.members}
    # asyncio records who is awaited from 3.14 on.
    assert members["opaque all_of"].holder == ("task 'opaque back'" if by_loop else "")
    assert members["opaque any_of"].holder == ""
    found = {step.name for cycle in stacks.trailer.cycles for step in cycle.steps}
    assert ("task 'opaque all_of'" in found) == by_loop
    host.run("async def cancel():\n    for each in opaque_box.values(): each.cancel()")
    host.run("on(loop, cancel())")
