"""Exceptions with their frames."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="ValueError",
    also=["errors_kept.Payload", "traceback", "frame"],
    holder="errors_kept.ERRORS",
    holder_hints=["ERRORS"],
)
REQUIREMENTS = []

ERRORS: list = []


class Payload:
    pass


def fail(payload: Payload) -> None:
    raise ValueError("no")


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    try:
        fail(Payload())
    except ValueError as error:
        ERRORS.append(error)
