"""A chain of tuples, each of which holds the one before it."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="pairs_chained.Item",
    also=["tuple"],
    holder="pairs_chained.LATEST",
    holder_hints=["LATEST"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


LATEST = None


def setup() -> None:
    return None


def step(i: int) -> None:
    global LATEST
    work(i)
    LATEST = (Item(i), LATEST)
