"""An lru_cache with a bound."""

import functools

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=700,
    suspect="",
)
REQUIREMENTS = []


@functools.lru_cache(maxsize=700)
def page(number: int) -> list:
    return [number, str(number)]


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    page(i)
