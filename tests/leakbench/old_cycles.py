"""Cycles in the oldest generation, which the next full collection frees."""

import gc

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=0,
    suspect="old_cycles.Knot",
)
REQUIREMENTS = []


class Knot:
    def __init__(self) -> None:
        self.myself = self


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    Knot()
    if i % 10 == 0:
        gc.collect(1)
