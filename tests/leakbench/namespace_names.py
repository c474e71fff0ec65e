"""Ever more attributes on one object."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="namespace_names.Item",
    also=[],
    holder="namespace_names.SPACE",
    holder_hints=["SPACE"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


class Space:
    pass


SPACE = Space()


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    setattr(SPACE, f"name{i}", Item(i))
