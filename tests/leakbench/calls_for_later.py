"""Calls that an event loop will make in an hour."""

import asyncio

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="calls_for_later.Item",
    also=["asyncio.events.TimerHandle", "method"],
    holder="calls_for_later.LOOP",
    holder_hints=["_scheduled", "LOOP"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


LOOP = asyncio.new_event_loop()


def setup() -> None:
    return None


async def handle(item: Item) -> None:
    LOOP.call_later(3600, item.__init__, 0)


def step(i: int) -> None:
    work(i)
    LOOP.run_until_complete(handle(Item(i)))
