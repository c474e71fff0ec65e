"""A file in memory that is only written to."""

import io

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="_io.BytesIO",
    also=[],
    holder="file_in_memory.OUTPUT",
    holder_hints=["OUTPUT"],
)
REQUIREMENTS = []


OUTPUT = io.BytesIO()


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    OUTPUT.write(b"a line of the output\n")
