"""A copy of an iterator that nobody reads."""

import itertools

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="itertools._tee_dataobject",
    also=["tee_unread.Item"],
    holder="tee_unread.SLOW",
    holder_hints=["SLOW"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


def source():
    number = 0
    while True:
        number += 1
        yield Item(number)


FAST, SLOW = itertools.tee(source())


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    next(FAST)
