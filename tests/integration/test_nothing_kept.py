"""After a call nothing of ours keeps the application's objects, not even until a collection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_client import credentials_of
from fix_host import Host, StartHost

from ops_client import MaintenanceClient

# An application that has turned the collector off, as large servers do. Its objects can be
# reached by a variable of a thread and of a task, by a greenlet, by a logger and by a module.
PLANT = """
import asyncio, gc, greenlet, logging, threading, weakref
gc.collect()
gc.disable()
class Order: pass
class Filter(logging.Filter): pass
class Green(greenlet.greenlet): pass
stop, ready = threading.Event(), threading.Barrier(2)
def works(order):
    with threading.Lock():
        ready.wait()
        stop.wait()
loop = asyncio.new_event_loop()
async def serves(order):
    await asyncio.Event().wait()
def on_loop(coroutine): return asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)
async def start(order):
    task = asyncio.create_task(serves(order))
    await asyncio.sleep(0)
    return task
def green(order): greenlet.getcurrent().parent.switch()
"""
BEGIN = """
orders = [Order() for _ in range(5)]
greens, filters = [Green(green)], [Filter()]
loop_thread = threading.Thread(target=loop.run_forever)
loop_thread.start()
worker = threading.Thread(target=works, args=(orders[0],))
worker.start()
ready.wait()
task = on_loop(start(orders[1]))
greens[0].switch(orders[2])
logging.getLogger('shop').addFilter(filters[0])
refs = [weakref.ref(each) for each in (*orders, task, *greens, *filters)]
"""
END = """
stop.set()
worker.join()
async def end():
    global task
    task.cancel()
    await asyncio.wait([task])
    task = None
on_loop(end())
loop.call_soon_threadsafe(loop.stop)
loop_thread.join()
logging.getLogger('shop').removeFilter(filters[0])
del worker
orders.clear(); greens.clear(); filters.clear()
stop.clear()
"""

Call = Callable[[MaintenanceClient, Path], object]


def captures_the_heap(client: MaintenanceClient, file: Path) -> object:
    return client.capture_heap_snapshot(file)


def watches(client: MaintenanceClient, file: Path) -> object:
    return list(client.watch_heap_growth(interval=1, duration=2))


def captures_stacks(client: MaintenanceClient, file: Path) -> object:
    return client.capture_stacks(sample_distance=0.05)


def finds_referrers(client: MaintenanceClient, file: Path) -> object:
    return client.find_referrers("app.Order")


def summarizes(client: MaintenanceClient, file: Path) -> object:
    return client.summarize_heap()


def reads_memory(client: MaintenanceClient, file: Path) -> object:
    return client.get_memory()


def lists_loggers(client: MaintenanceClient, file: Path) -> object:
    client.set_log_level("shop", "DEBUG")
    return client.list_loggers()


def evaluates(client: MaintenanceClient, file: Path) -> object:
    return client.evaluate_code("import app; order = app.orders[0]; [app.orders, app.task, order]")


def evaluates_what_fails(client: MaintenanceClient, file: Path) -> object:
    return client.evaluate_code("import app; order = app.orders[0]; 1 / 0")


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost) -> Host:
    host = start_shared_host()
    host.run(PLANT)
    return host


@pytest.mark.parametrize(
    "call",
    [
        captures_stacks, captures_the_heap, watches, finds_referrers, summarizes, reads_memory,
        lists_loggers, evaluates, evaluates_what_fails,
    ],
    ids=lambda call: call.__name__,
)  # fmt: skip
def test_the_hosts_objects_go_as_they_would_without_us(
    host: Host, admin: Identity, tmp_path: Path, call: Call
) -> None:
    client = MaintenanceClient(host.address, credentials_of(admin))
    host.run(BEGIN)
    call(client, tmp_path / "a.heap")
    client.close()
    host.run(END)
    host.wait_for("not any(ref() for ref in refs)", 20)
