"""A WeakKeyDictionary whose values refer to their keys."""

import weakref

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="weak_values_kept.Item",
    also=[],
    holder="weak_values_kept.OWNERS",
    holder_hints=["OWNERS"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


OWNERS = weakref.WeakKeyDictionary()


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    item = Item(i)
    OWNERS[item] = [item]
