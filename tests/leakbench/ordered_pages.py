"""An OrderedDict whose eviction was forgotten."""

from collections import OrderedDict

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="ordered_pages.Item",
    also=[],
    holder="ordered_pages.PAGES",
    holder_hints=["PAGES"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


PAGES = OrderedDict()


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    PAGES[i] = Item(i)
