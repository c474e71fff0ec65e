"""A class for each request, kept in a registry."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="type",
    also=[],
    holder="classes_made.MODELS",
    holder_hints=["MODELS"],
)
REQUIREMENTS = []

MODELS: list = []


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    MODELS.append(type("Model", (), {"number": i}))
