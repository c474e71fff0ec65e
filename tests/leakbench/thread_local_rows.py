"""Rows kept in a threading.local."""

import threading

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="thread_local_rows.Item",
    also=[],
    holder="thread_local_rows.LOCAL",
    holder_hints=["LOCAL"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


LOCAL = threading.local()
LOCAL.rows = []


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    LOCAL.rows.append(Item(i))
