"""An exit handler, registered for each request."""

import atexit

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="exit_handlers.Item",
    also=["method"],
    holder="exit_handlers.atexit",
    holder_hints=["atexit"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"

    def close(self) -> None:
        """Nothing to do."""


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    atexit.register(Item(i).close)
