"""Rows that are written out in batches."""

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=0,
    suspect="tuple",
)
REQUIREMENTS = []

ROWS: list = []


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    ROWS.append((i, f"row {i}"))
    if len(ROWS) == 640:
        ROWS.clear()
