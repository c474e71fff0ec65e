"""Lookups in a defaultdict, each of which leaves an entry."""

from collections import defaultdict

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="topics_defaultdict.Item",
    also=["list"],
    holder="topics_defaultdict.TOPICS",
    holder_hints=["TOPICS"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


TOPICS = defaultdict(list)


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    TOPICS[i].append(Item(i))
