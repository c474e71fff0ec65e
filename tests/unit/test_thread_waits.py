"""What threads wait for in the standard library, whose functions differ between releases."""

from __future__ import annotations

import asyncio
import concurrent.futures
import multiprocessing
import queue
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from eventually import eventually

from ops_service.process.frames import Spots
from ops_service.process.sample import Sample
from ops_service.process.thread_stacks import sample_threads


def waits() -> dict[str, tuple[str, str]]:
    """By name of the thread: the wait, and who can end it."""
    sample = Sample(Spots(), {})
    sample_threads(sample, None)
    return {
        member.name: (member.wait.what, member.wait.holder)
        for group in sample.groups.values()
        for member in group.members
        if member.wait is not None
    }


@pytest.fixture
def release() -> Iterator[list[Callable[[], object]]]:
    """What ends the waits of a test."""
    steps: list[Callable[[], object]] = []
    yield steps
    for step in steps:
        step()


def test_each_wait_is_named(release: list[Callable[[], object]]) -> None:
    over = threading.Event()
    empty, full, unjoined = queue.Queue[int](), queue.Queue[int](1), queue.Queue[int]()
    full.put(1)
    unjoined.put(1)
    semaphore, barrier = threading.Semaphore(0), threading.Barrier(2)
    condition, future = threading.Condition(), concurrent.futures.Future[int]()
    executor = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="pool")
    executor.submit(int).result()
    listening = socket.create_server(("127.0.0.1", 0))
    pairs = [socket.socketpair() for _ in range(3)]
    selected, received, read = (ours for ours, _ in pairs)
    receiving, sending = multiprocessing.Pipe(duplex=False)
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert child.stdin is not None
    loop = asyncio.new_event_loop()

    def waits_with_a_condition() -> None:
        with condition:
            condition.wait()

    def waits_for_a_condition() -> None:
        with condition:
            condition.wait_for(over.is_set)

    def selects() -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(selected, selectors.EVENT_READ)
            selector.select()

    def serves() -> None:
        listening.accept()[0].close()

    def sleeps() -> None:
        while not over.is_set():
            time.sleep(0.2)

    joined = threading.Thread(target=over.wait, name="joined")
    cases: dict[str, tuple[Callable[[], object], str]] = {
        "event": (over.wait, "threading.Event"),
        "get": (empty.get, "queue.Queue.get"),
        "put": (lambda: full.put(1), "queue.Queue.put"),
        "queue join": (unjoined.join, "queue.Queue.join"),
        "semaphore": (semaphore.acquire, "threading.Semaphore"),
        "barrier": (barrier.wait, "threading.Barrier"),
        "condition": (waits_with_a_condition, "threading.Condition"),
        "condition for": (waits_for_a_condition, "threading.Condition"),
        "future": (future.result, "concurrent.futures.Future"),
        "futures": (lambda: concurrent.futures.wait([future]), "concurrent.futures.wait"),
        "join": (joined.join, "threading.Thread"),
        "accept": (serves, "a connection to a socket"),
        "receive": (lambda: received.recv(1), "input of a socket"),
        "read": (lambda: read.makefile("rb").read(1), "input of a socket"),
        "select": (selects, "input or output (epoll)"),
        "pipe": (receiving.recv, "input of a pipe"),
        "child": (child.wait, "a child process"),
        "child for": (lambda: child.wait(600), "a child process"),
        "loop": (loop.run_forever, "the next event of an asyncio loop"),
        "sleep": (sleeps, "time.sleep"),
    }
    threads = [
        joined,
        *(threading.Thread(target=run, name=name) for name, (run, _) in cases.items()),
    ]

    def end() -> None:
        over.set()
        empty.put(1)
        full.get()
        unjoined.task_done()
        semaphore.release()
        barrier.wait()
        future.set_result(1)
        socket.create_connection(listening.getsockname()).close()
        for _, theirs in pairs:
            theirs.sendall(b"x")
        sending.send(1)
        child.communicate(b"\n")
        loop.call_soon_threadsafe(loop.stop)
        executor.shutdown()
        with condition:
            condition.notify_all()
        for thread in threads:
            thread.join()
        for closed in (listening, *sum(pairs, ()), receiving, sending, loop):
            closed.close()

    for thread in threads:
        thread.daemon = True
        thread.start()
    release.append(end)
    expected = {name: (what, "") for name, (_, what) in cases.items()}
    expected["join"] = ("threading.Thread", "thread 'joined'")
    expected["pool_0"] = ("work for a concurrent.futures thread", "")
    eventually(
        lambda: expected.items() <= waits().items(),
        lambda: str({name: waits().get(name) for name in expected}),
    )
