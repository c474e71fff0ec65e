"""Feeds damaged heap graph files to the reader, and to what works on a graph.

Usage: python reader.py [--seconds N] [--seed N] [--keep DIRECTORY]

The reader may return a graph, or raise the errors that the client documents. Anything else
is a defect: another exception, memory beyond a bound, a file that takes too long, and above
all the end of the process. A child reads the files, so that its end is seen. The last file
that it read is then kept.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from graph_writer import Graph, Node, delimited, file_bytes, stream

from fuzz.mutations import contradictory, damaged, resealed
from fuzz.readings import read_everything
from ops_client.errors import CorruptHeapGraphFile, OpsClientError
from ops_client.heap_graph import HeapGraph, read_heap_graph
from ops_service.v1 import heap_graph_pb2 as pb

MEMORY_BYTES = 3 << 30
FILE_SECONDS = 60


def random_graph(chance: random.Random) -> Graph:
    """Objects with every kind of column, found by an edge or as roots."""
    types = [pb.HeapType(module="app", qualified_name=f"T{n}", kind=1) for n in range(3)]
    types.append(pb.HeapType(qualified_name="thread", kind=2))
    count = chance.choice((1, 3, 30, 300))
    sites = [("app.py", 1), ("app.py", 2)] if chance.random() < 0.5 else []
    nodes = [
        Node(
            type_index=chance.randrange(3),
            size=chance.choice((0, 16, 300, 2**40)),
            id=2 * chance.randrange(2**31) + 1,
            flags=chance.randrange(4),
            extra_size=chance.choice((0, 16)),
            site=chance.randrange(3) if sites else 0,
            content=(chance.choice(pb.ContentKind.values()), chance.randrange(9), b"12345678")
            if chance.random() < 0.2
            else None,
            hash=chance.randrange(2**64) if chance.random() < 0.2 else None,
        )
        for _ in range(count)
    ]
    nodes[0].flags |= 4
    finder = 0
    for index in range(1, count):
        finder = chance.randint(finder, index - 1)
        nodes[finder].edges.append((index, chance.randrange(1, 9), chance.randrange(3)))
    for _ in range(count):
        source, target = chance.randrange(count), chance.randrange(count)
        nodes[source].edges.append((target, chance.randrange(1, 11), chance.randrange(3)))
    roots = [pb.HeapRoot(object_index=0, kind=chance.choice(pb.HeapRootKind.values()), name="r")]
    return Graph(types, ["user", "items"], nodes, roots, sites)


def sound_graph(chance: random.Random, file: Path) -> HeapGraph:
    """A random graph of some size that the reader accepts."""
    while True:
        file.write_bytes(file_bytes(random_graph(chance)))
        try:
            graph = read_heap_graph(file)
        except CorruptHeapGraphFile:
            continue  # A content whose size its kind does not allow.
        if graph.object_count >= 30:
            return graph


def hostile_file(chance: random.Random) -> bytes:
    """One damaged file."""
    parts, others = (
        stream(random_graph(chance), edges_per_batch=chance.choice((3, 1000)), objects_per_batch=90)
        for _ in range(2)
    )
    data, other = (b"".join(map(delimited, each)) for each in (parts, others))
    match chance.randrange(4):
        case 0:
            return damaged(data, other, chance)
        case 1:
            return resealed(data, chance) or damaged(data, other, chance)
        case _:
            return contradictory(parts, chance)


def work_on(file: Path, other: HeapGraph) -> str:
    """Read a file and do everything that opsctl does with it. Return the name of the outcome.

    Args:
        other: A sound file's graph, to compare with.
    """
    try:
        graph = read_heap_graph(file)
        read_everything(graph, other, file.parent)
    except OpsClientError as error:
        if not str(error) or "\n" in str(error):
            raise AssertionError("an error is one sentence") from error
        return type(error).__name__
    return "read"


def child(directory: Path, seconds: float, seed: int, *, bounded: bool) -> None:
    """Read files until the time is over, and print the outcomes."""
    faulthandler.enable()
    if bounded:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    outcomes: Counter[str] = Counter()
    file = directory / "hostile.heap"
    end, number = time.monotonic() + seconds, seed
    other = sound_graph(random.Random(seed), directory / "other.heap")
    while time.monotonic() < end:
        file.write_bytes(hostile_file(random.Random(number)))
        signal.alarm(FILE_SECONDS)
        try:
            outcomes[work_on(file, other)] += 1
        except BaseException:
            print(f"the file of seed {number} is read with:", flush=True)
            raise
        signal.alarm(0)
        number += 1
    print(f"{outcomes.total():,} files, seeds {seed} to {number - 1}")
    for name, count in outcomes.most_common():
        print(f"  {name:28} {count:>9,}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="where to begin; 0 takes the clock")
    parser.add_argument("--keep", type=Path, default=Path(".cache/fuzz"))
    parser.add_argument(
        "--sanitized",
        action="store_true",
        help="without a bound on memory, since sanitizers map whole ranges of addresses",
    )
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.keep, arguments.seconds, arguments.seed, bounded=not arguments.sanitized)
        return 0
    arguments.keep.mkdir(parents=True, exist_ok=True)
    seed = arguments.seed or time.time_ns() % 10**9
    options = ["--seconds", str(arguments.seconds), "--seed", str(seed)]
    options += ["--keep", str(arguments.keep), "--child"]
    options += ["--sanitized"] if arguments.sanitized else []
    status = subprocess.run([sys.executable, os.path.abspath(__file__), *options]).returncode
    if status != 0:
        print(f"FAILED with {status}: {arguments.keep / 'hostile.heap'} is the file")
    return int(status != 0)


if __name__ == "__main__":
    sys.exit(main())
