"""A handler that each request wraps once more."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="handler_wrapped.Item",
    also=["function"],
    holder="handler_wrapped.APP.handler",
    holder_hints=["handler"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


class App:
    pass


APP = App()
APP.handler = print


def wrapped(handler, item: Item):
    def call(*arguments):
        return handler, item

    return call


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    APP.handler = wrapped(APP.handler, Item(i))
