"""A queue that nobody reads."""

import queue

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="queue_unread.Item",
    also=[],
    holder="queue_unread.JOBS",
    holder_hints=["JOBS"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


JOBS = queue.Queue()


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    JOBS.put(Item(i))
