"""A ring of places that are taken in turn."""

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=2500,
    suspect="",
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


RING: list = [None] * 2500


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    RING[i % len(RING)] = Item(i)
