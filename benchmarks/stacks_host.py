"""A host with many waiting threads, and an event loop with many tasks.

Usage: python stacks_host.py THREADS TASKS

Prints its address. Then, for each line on standard input, it prints the largest gaps
since the line before, in seconds: "loop" between two turns of the loop that runs the
tasks, and "thread" between two turns of another thread.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import AsyncIterator

import ops_service


class Gap:
    """The largest time between two beats."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.largest = 0.0

    def beat(self) -> None:
        now = time.perf_counter()
        self.largest = max(self.largest, now - self._last)
        self._last = now

    def take(self) -> float:
        largest, self.largest = self.largest, 0.0
        return largest


async def wait_for_ever() -> None:
    await asyncio.Event().wait()


async def rows() -> AsyncIterator[int]:
    await wait_for_ever()
    yield 1


async def serve_a_request() -> None:
    async for _ in rows():
        pass


async def run(threads: int, tasks: int) -> None:
    never = threading.Event()
    for number in range(threads):
        threading.Thread(target=never.wait, name=f"waiter {number}", daemon=True).start()
    on_loop, beside = Gap(), Gap()

    def beat_beside() -> None:
        while True:
            time.sleep(0.001)
            beside.beat()

    def answer() -> None:
        for _ in sys.stdin:
            print(json.dumps({"loop": on_loop.take(), "thread": beside.take()}), flush=True)
        ended.set()

    running = [asyncio.create_task(serve_a_request()) for _ in range(tasks)]
    await asyncio.sleep(0)
    ended = threading.Event()
    for target in (beat_beside, answer):
        threading.Thread(target=target, daemon=True).start()
    with ops_service.start() as service:
        print(json.dumps({"address": service.address}), flush=True)
        while not ended.is_set():
            await asyncio.sleep(0.001)
            on_loop.beat()
    assert len(running) == tasks


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), int(sys.argv[2])))
