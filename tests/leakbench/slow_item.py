"""One object every fifty steps."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="slow_item.Item",
    also=[],
    holder="slow_item.KEPT",
    holder_hints=["KEPT"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


KEPT: list = []


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    if i % 50 == 0:
        KEPT.append(Item(i))
