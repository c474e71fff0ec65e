"""Rows kept in a context variable."""

import contextvars

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="context_rows.Item",
    also=[],
    holder="context_rows.trace",
    holder_hints=["trace"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


TRACE = contextvars.ContextVar("trace")
TRACE.set([])


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    TRACE.get().append(Item(i))
