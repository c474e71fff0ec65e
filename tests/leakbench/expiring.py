"""Sessions that end after 250 steps."""

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=0,
    suspect="expiring.Session",
)
REQUIREMENTS = []


class Session:
    pass


ALIVE: dict = {}


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    ALIVE[i] = Session()
    ALIVE.pop(i - 250, None)
