"""Reference cycles that the collector frees in time."""

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=0,
    suspect="cycles_collected.Knot",
)
REQUIREMENTS = []


class Knot:
    def __init__(self) -> None:
        self.myself = self


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    for _ in range(5):
        Knot()
