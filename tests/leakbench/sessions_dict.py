"""A module's dict with keys that are never removed."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="sessions_dict.Item",
    also=[],
    holder="sessions_dict.BY_USER",
    holder_hints=["BY_USER"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


BY_USER: dict = {}


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    BY_USER[f"user {i}"] = Item(i)
