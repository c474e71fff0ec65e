"""Generators that nobody ends."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="generator",
    also=["generators_suspended.Page"],
    holder="generators_suspended.STREAMS",
    holder_hints=["STREAMS"],
)
REQUIREMENTS = []

STREAMS: list = []


class Page:
    pass


def pages(page: Page):
    yield page


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    stream = pages(Page())
    next(stream)
    STREAMS.append(stream)
