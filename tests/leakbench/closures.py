"""Closures that keep their captured objects."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="closures.Item",
    also=["function", "cell"],
    holder="closures.HOOKS",
    holder_hints=["HOOKS"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


HOOKS: list = []


def hook(item: Item):
    return lambda: item.number


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    HOOKS.append(hook(Item(i)))
