"""Reference cycles that gc.freeze() hides from the collector."""

import gc

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="cycles_frozen.Knot",
    also=[],
    holder="nobody: gc.freeze()",
    holder_hints=["garbage", "freeze"],
    visibility="frozen",
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
    gc.freeze()
