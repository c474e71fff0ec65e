"""Functions bound to instances, in a list of callbacks."""

import functools

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="timer_callbacks.Item",
    also=["functools.partial"],
    holder="timer_callbacks.CALLBACKS",
    holder_hints=["CALLBACKS"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


CALLBACKS: list = []


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    CALLBACKS.append(functools.partial(print, Item(i)))
