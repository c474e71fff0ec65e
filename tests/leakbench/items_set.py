"""A set of instances."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="items_set.Item",
    also=[],
    holder="items_set.SEEN",
    holder_hints=["SEEN"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


SEEN: set = set()


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    SEEN.add(Item(i))
