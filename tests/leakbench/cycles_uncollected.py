"""Reference cycles while the garbage collector is off."""

import gc

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="cycles_uncollected.Knot",
    also=[],
    holder="nobody: the collector is off",
    holder_hints=["garbage", "gc"],
    visibility="garbage",
)
REQUIREMENTS = []


class Knot:
    def __init__(self) -> None:
        self.myself = self


def setup() -> None:
    gc.disable()


def step(i: int) -> None:
    work(i)
    Knot()
