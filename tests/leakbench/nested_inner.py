"""Growing inner lists of a dict that itself does not change."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="nested_inner.Item",
    also=[],
    holder="nested_inner.BY_SHARD",
    holder_hints=["BY_SHARD"],
)
REQUIREMENTS = []


class Item:
    def __init__(self, number: int) -> None:
        self.number = number
        self.note = f"note {number}"


BY_SHARD: dict = {number: [] for number in range(16)}


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    BY_SHARD[i % 16].append(Item(i))
