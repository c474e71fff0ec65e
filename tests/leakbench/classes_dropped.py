"""A class for each request, which nobody keeps."""

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=0,
    suspect="type",
)
REQUIREMENTS = []


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    type("Model", (), {"number": i})
