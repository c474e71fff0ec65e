"""A pool of connections that fills on demand."""

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=800,
    suspect="",
)
REQUIREMENTS = []


class Connection:
    def __init__(self) -> None:
        self.buffer = bytearray(2000)


POOL: list = []


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    if len(POOL) < 40 and i % 20 == 0:
        POOL.append(Connection())
