"""What benchmarks of interpreters do: much is made and dropped, of many kinds, and nothing kept."""

import asyncio
import copy
import decimal
import json
import pickle
import re
import sqlite3
import string

from _noise import work

TRUTH = dict(
    verdict="no_leak",
    type="",
    also=[],
    holder="",
    holder_hints=[],
    settles_at=1000,
)
REQUIREMENTS = []

WORDS = re.compile(r"(\w+)-(\d+)")


class Body:
    def __init__(self, number: int) -> None:
        self.place = [number * 1.5, number * 2.5]
        self.next = None


def documents(i: int) -> None:
    rows = [{"n": i + k, "text": f"row-{i + k}", "tags": [k, str(k)]} for k in range(20)]
    pickle.loads(pickle.dumps(json.loads(json.dumps(rows))))


def bodies(i: int) -> None:
    made = [Body(i + k) for k in range(20)]
    for one, other in zip(made, made[1:] + made[:1], strict=True):
        one.next = other
    copy.deepcopy(made[0])


def texts(i: int) -> None:
    text = " ".join(f"word-{i + k}" for k in range(40))
    WORDS.sub(lambda match: match[1] + string.Template("$n").substitute(n=match[2]), text)


def numbers(i: int) -> None:
    total = decimal.Decimal(0)
    for k in range(40):
        total += decimal.Decimal(i + k) / 7
    sum(x * y for x, y in zip(range(i, i + 40), (k / 3 for k in range(40)), strict=True))


def tasks(i: int) -> None:
    async def tree(depth: int) -> int:
        if not depth:
            await asyncio.sleep(0)
            return 1
        return sum(await asyncio.gather(tree(depth - 1), tree(depth - 1)))

    asyncio.run(tree(3))


def database(i: int) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (n, text)")
    connection.executemany("insert into t values (?, ?)", [(i + k, str(k)) for k in range(20)])
    connection.execute("select sum(n) from t").fetchone()
    connection.close()


KINDS = (documents, bodies, texts, numbers, tasks, database)


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    KINDS[i % len(KINDS)](i)
