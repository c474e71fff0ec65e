"""Tasks that are done before the next step."""

import asyncio

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=0,
    suspect="",
)
REQUIREMENTS = []

LOOP = asyncio.new_event_loop()


async def answer(number: int) -> int:
    await asyncio.sleep(0)
    return number


async def both(number: int) -> None:
    await asyncio.gather(answer(number), answer(number + 1))


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    LOOP.run_until_complete(both(i))
