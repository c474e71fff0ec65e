"""A handler that is added to a logger for each request."""

import logging

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="log_handlers.Handler",
    also=[],
    holder="log_handlers.handlers",
    holder_hints=["handlers"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


LOGGER = logging.getLogger("bench")
LOGGER.propagate = False


class Handler(logging.NullHandler):
    pass


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    LOGGER.addHandler(Handler())
