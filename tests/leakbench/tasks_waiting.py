"""Tasks that wait forever."""

import asyncio

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="_asyncio.Task",
    also=["coroutine", "_asyncio.Future"],
    holder="tasks_waiting.WAITING",
    holder_hints=["WAITING"],
)
REQUIREMENTS = []

WAITING: list = []
LOOP = asyncio.new_event_loop()


async def forever() -> None:
    await LOOP.create_future()


async def begin() -> None:
    WAITING.append(LOOP.create_task(forever()))
    await asyncio.sleep(0)


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    LOOP.run_until_complete(begin())
