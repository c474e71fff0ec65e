"""A deque without a bound."""

from collections import deque

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="events_deque.Item",
    also=[],
    holder="events_deque.EVENTS",
    holder_hints=["EVENTS"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


EVENTS = deque()


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    EVENTS.append(Item(i))
