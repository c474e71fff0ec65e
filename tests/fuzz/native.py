"""Feeds the client's native module columns that no reader made, right ones among them.

Usage: python native.py [--seconds N] [--seed N]

The module may return a result, or raise an error that names what does not fit. If the
arguments are valid, the result equals Python's. `make test-native` runs this with the
module built for AddressSanitizer, so that a read or write out of bounds ends the process.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from ops_client.heap_graph import _native, _python

CALL_SECONDS = 20
REFUSALS = (ValueError, TypeError, OverflowError)


def numbers(chance: random.Random, count: int, limit: int, kind: type[Any]) -> Any:
    """Mostly numbers below a limit, and sometimes any number that the type holds."""
    highest = int(np.iinfo(kind).max)
    wild = chance.random() < 0.2
    return np.array(
        [
            chance.choice((limit, highest, highest // 2, 0))
            if wild and chance.random() < 0.1
            else chance.randrange(max(limit, 1))
            for _ in range(count)
        ],
        kind,
    )


def length(chance: random.Random, right: int) -> int:
    """The right length, or sometimes another."""
    return right if chance.random() < 0.95 else max(right + chance.choice((-1, 1, 7)), 0)


def random_columns(chance: random.Random) -> tuple[Any, ...]:
    """Edge starts, targets and kinds, which may contradict each other."""
    objects = chance.choice((0, 1, 2, 9, 60, 400))
    edges = chance.randrange(3 * objects + 1) if objects else 0
    starts = np.sort(numbers(chance, objects + 1, edges + 1, np.int64))
    starts[0], starts[-1] = 0, edges
    if chance.random() < 0.1:
        starts[chance.randrange(objects + 1)] = chance.choice((-1, 2**62, edges + 1))
    targets = numbers(chance, length(chance, edges), objects, np.uint32)
    kinds = numbers(chance, length(chance, edges), 11, np.uint8)
    return starts, targets, kinds


def compared(function: str, arguments: tuple[Any, ...], results: int) -> None:
    """Call both implementations. The last arguments are their output buffers."""
    copies = [each.copy() for each in arguments]
    getattr(_native, function)(*arguments)
    getattr(_python, function)(*copies)
    for ours, theirs in zip(arguments[-results:], copies[-results:], strict=True):
        assert np.array_equal(ours, theirs), f"{function} gives another result than Python"


def graphs(chance: random.Random) -> None:
    """Dominators, sums along them, and paths."""
    starts, targets, kinds = random_columns(chance)
    objects = len(starts) - 1
    roots = numbers(chance, chance.randrange(4), objects, np.uint32)
    immediate, order = (np.empty(length(chance, objects), np.uint32) for _ in range(2))
    compared("dominate", (starts, targets, kinds, roots, immediate, order), 2)
    # Python's integers have no bound, so these sums stay below the module's bound.
    sizes = np.array([chance.getrandbits(40) for _ in range(length(chance, objects))], np.uint64)
    compared("retain", (immediate, order, sizes), 1)
    types = numbers(chance, length(chance, objects), 4, np.uint32)
    compared("retain_by_type", (immediate, order, sizes, types, np.zeros(4, np.uint64)), 1)
    ends = np.sort(numbers(chance, 2, len(roots) + 1, np.uint64))
    parents = np.empty(length(chance, objects), np.uint32)
    compared("find_paths", (starts, targets, kinds, roots, ends, parents), 1)


def trees(chance: random.Random) -> None:
    """Sums along something that may not be a tree. Any result is allowed, within bounds."""
    count = chance.choice((0, 1, 5, 80))
    immediate = numbers(chance, count, count + 1, np.uint32)
    order = numbers(chance, length(chance, count), count, np.uint32)
    sizes = numbers(chance, length(chance, count), 2**40, np.uint64)
    _native.retain(immediate, order, sizes)
    types = numbers(chance, length(chance, count), 3, np.uint32)
    _native.retain_by_type(immediate, order, sizes, types, np.zeros(3, np.uint64))


def packed(chance: random.Random) -> bytes:
    """A column, valid or not."""
    if chance.random() < 0.3:
        return chance.randbytes(chance.randrange(60))
    column = bytearray()
    for _ in range(chance.randrange(40)):
        value = chance.getrandbits(chance.choice((1, 7, 14, 32, 34, 64, 70)))
        while value > 0x7F:
            column.append(value & 0x7F | 0x80)
            value >>= 7
        column.append(value)
    return bytes(column[: length(chance, len(column))])


def columns(chance: random.Random) -> None:
    """Packed columns, as a file contains them."""
    column = packed(chance)
    room = chance.choice((0, 1, 7, 8, 40, len(column)))
    narrow, wide = np.zeros(room, np.uint32), np.zeros(room, np.uint64)
    match chance.randrange(7):
        case 0:
            values, width = _native.unpack_varints(column)
            assert len(values) % width == 0
        case 1:
            assert _native.fill_32(column, narrow) <= room
        case 2:
            assert _native.fill_64(column, wide) <= room
        case 3:
            assert _native.fill_ids(column, narrow) <= room
        case 4:
            given = numbers(chance, room, 2**32 - 1, np.uint32)
            assert _native.decimals(given) == _python.decimals(given)
        case 5:
            kinds = np.zeros(length(chance, room), np.uint8)
            assert _native.fill_labels(column, kinds, narrow) <= room
        case _:
            unfound = np.sort(numbers(chance, chance.randrange(5), 45, np.int64))
            following = chance.choice((0, 7, 2**32 - 1, 2**33 - 1, 2**64 - 1))
            assert _native.fill_targets(column, narrow, unfound, following) <= room


SUBJECTS: tuple[Callable[[random.Random], None], ...] = (graphs, trees, columns)


def main() -> None:
    """Call until the time is over, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="where to begin; 0 takes the clock")
    arguments = parser.parse_args()
    faulthandler.enable()
    first = number = arguments.seed or time.time_ns() % 10**9
    outcomes: Counter[str] = Counter()
    end = time.monotonic() + arguments.seconds
    while time.monotonic() < end:
        chance = random.Random(number)
        subject = chance.choice(SUBJECTS)
        faulthandler.dump_traceback_later(CALL_SECONDS, exit=True)
        try:
            subject(chance)
            outcomes[f"{subject.__name__}: taken"] += 1
        except REFUSALS as error:
            outcomes[f"{subject.__name__}: {error}"] += 1
        except BaseException:
            print(f"seed {number} ends with:", flush=True)
            raise
        faulthandler.cancel_dump_traceback_later()
        number += 1
    print(f"{outcomes.total():,} calls, seeds {first} to {number - 1}")
    for name, count in sorted(outcomes.items()):
        print(f"  {name:70} {count:>9,}")


if __name__ == "__main__":
    sys.exit(main())
