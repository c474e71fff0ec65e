"""Strings that are interned from a bounded vocabulary."""

import sys

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=600,
    suspect="",
)
REQUIREMENTS = []

WORDS: dict = {}


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    word = sys.intern(f"word{i % 600}")
    WORDS[word] = word
