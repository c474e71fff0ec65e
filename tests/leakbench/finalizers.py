"""A finalizer for each request, on an object that stays."""

import weakref

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="finalizers.Item",
    also=["weakref.finalize", "weakref.finalize._Info"],
    holder="finalizers.finalize",
    holder_hints=["finalize"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


class Pool:
    pass


POOL = Pool()


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    weakref.finalize(POOL, print, Item(i))
