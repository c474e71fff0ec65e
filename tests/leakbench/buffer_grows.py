"""One bytearray that is never shortened."""

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="bytearray",
    also=[],
    holder="buffer_grows.BUFFER",
    holder_hints=["BUFFER"],
    visibility="size",
)
REQUIREMENTS = []

BUFFER = bytearray()


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    BUFFER.extend(b"0123456789" * 10)
