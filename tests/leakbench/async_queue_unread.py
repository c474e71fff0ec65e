"""An asyncio queue that nobody reads."""

import asyncio

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="async_queue_unread.Item",
    also=[],
    holder="async_queue_unread.MESSAGES",
    holder_hints=["MESSAGES"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


MESSAGES = asyncio.Queue()


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    MESSAGES.put_nowait(Item(i))
