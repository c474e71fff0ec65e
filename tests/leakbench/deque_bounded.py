"""A deque with a bound."""

from collections import deque

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=900,
    suspect="",
)
REQUIREMENTS = []

LATEST = deque(maxlen=900)


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    LATEST.append({"step": i})
