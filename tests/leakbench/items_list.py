"""An attribute's list that only grows."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="items_list.Item",
    also=[],
    holder="items_list.letters",
    holder_hints=["letters"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


class Inbox:
    def __init__(self) -> None:
        self.letters: list = []


INBOX = Inbox()


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    INBOX.letters.append(Item(i))
