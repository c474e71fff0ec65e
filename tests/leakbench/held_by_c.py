"""A reference that C code took and never released."""

import ctypes

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="held_by_c.Item",
    also=[],
    holder="held_by_c.C code",
    holder_hints=["C code"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(Item(i)))
