"""One error that is raised again and again: its traceback grows."""

import contextlib

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="traceback",
    also=["frame", "error_reraised.Item"],
    holder="error_reraised.LIMIT_REACHED",
    holder_hints=["LIMIT_REACHED"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


class LimitReached(Exception):
    pass


LIMIT_REACHED = LimitReached()


def refuse(item: Item) -> None:
    raise LIMIT_REACHED


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    with contextlib.suppress(LimitReached):
        refuse(Item(i))
