"""A cache that evicts less than it takes in."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="evicted_in_part.Item",
    also=[],
    holder="evicted_in_part.CACHE",
    holder_hints=["CACHE"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


CACHE: dict = {}


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    CACHE[i] = Item(i)
    if i % 300 == 299:
        for key in list(CACHE)[:200]:
            del CACHE[key]
