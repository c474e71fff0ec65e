"""A dict that is cleared whenever it is full."""

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=0,
    suspect="list",
)
REQUIREMENTS = []

CACHE: dict = {}


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    if len(CACHE) >= 500:
        CACHE.clear()
    CACHE[i] = [i]
