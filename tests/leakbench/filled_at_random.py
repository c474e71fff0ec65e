"""A cache of a bounded number of pages, requested at random."""

import random

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=1000,
    suspect="",
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


PAGES: dict = {}
CHANCE = random.Random(3)


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    for _ in range(4):
        page = CHANCE.randrange(500)
        if page not in PAGES:
            PAGES[page] = Item(page)
