"""A database in memory that is never trimmed."""

import sqlite3

from _noise import work

TRUTH = dict(
    verdict="native",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    bytes_per_step=3000,
)
REQUIREMENTS = []

DATABASE = sqlite3.connect(":memory:")
DATABASE.execute("create table events (number integer, text blob)")


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    DATABASE.execute("insert into events values (?, ?)", (i, bytes(3000)))
