"""A host with a large heap. Its main thread records how long it did not get to run.

Usage: OPS_SERVICE_CONFIG=FILE python host.py OBJECTS [LINKS]

Reads one command per line and answers each with a JSON line. The work of a command runs
in another thread than the main one.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

import ops_service

OBJECTS_A_RECORD = 7
NEIGHBOURHOOD = 1000

# In a module, where guppy3 finds them: it does not see frames of other threads.
RECORDS: list[Record] = []


class Record:
    """The most common objects of applications: a small instance, strings, numbers, a list.

    The collector tracks two of its seven objects. Peers that see only tracked objects are
    compared on heaps of which they see that share.
    """

    def __init__(self, number: int) -> None:
        self.number = number + 1_000_000
        self.name = f"record {number}"
        self.amount = number * 1.5
        self.origin = [f"place {number}", number + 2_000_000]


class LinkedRecord(Record):
    """A record that refers to others."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.related: list[Record] = []


def make_records(count: int, links: int) -> list[Record]:
    """Make records with ``links`` links each, most of them to close records."""
    if not links:
        return [Record(number) for number in range(count)]
    records: list[Record] = []
    chance = random.Random(links)
    for number in range(count):
        records.append(record := LinkedRecord(number))
        for link in range(links):
            first = 0 if link % 4 == 0 else max(number - NEIGHBOURHOOD, 0)
            record.related.append(records[chance.randint(first, number)])
    return records


class Heartbeat:
    """Gaps between the beats of the main thread, which come every 1 ms."""

    def __init__(self) -> None:
        self._gaps: list[float] = []

    def beat_until(self, done: threading.Event) -> None:
        """Beat until the event is set."""
        last = time.perf_counter()
        while not done.is_set():
            time.sleep(0.001)
            now = time.perf_counter()
            self._gaps.append(now - last)
            last = now

    def take(self) -> dict[str, float]:
        """The largest gap and the 99th percentile since last asked, in seconds."""
        gaps, self._gaps = self._gaps, []
        gaps.sort()
        return {"gap": gaps[-1], "p99": gaps[len(gaps) * 99 // 100]} if gaps else {"gap": 0.0}


class Worker:
    """Does what applications do, and counts how often."""

    def __init__(self) -> None:
        self._done = 0

    def work(self) -> None:
        """Encode and decode, for ever."""
        while True:
            record = json.loads(json.dumps({"name": "record", "amount": 1.5, "places": [1, 2, 3]}))
            self._done += len(record) // 3

    def take(self) -> int:
        """Units of work since last asked."""
        done, self._done = self._done, 0
        return done


def fork() -> dict[str, float]:
    """Make a bare fork: the minimum cost of any copy of the process."""
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        os._exit(0)
    pause = time.perf_counter() - began
    os.waitpid(child, 0)
    return {"pause": pause}


def plain_walk() -> dict[str, float]:
    """Walk the graph in plain Python inside the process."""
    queue = gc.get_objects()
    seen = set(map(id, queue))
    counts: Counter[str] = Counter()
    while queue:
        each = queue.pop()
        counts[type(each).__qualname__] += 1
        for other in gc.get_referents(each):
            if id(other) not in seen:
                seen.add(id(other))
                queue.append(other)
    return {"objects": counts.total()}


def guppy() -> dict[str, float]:
    """Summarize the heap by type with guppy3."""
    import guppy

    return {"objects": guppy.hpy().heap().count}


def pympler() -> dict[str, float]:
    """Summarize all objects by type with pympler."""
    from pympler import muppy, summary

    return {"objects": sum(row[1] for row in summary.summarize(muppy.get_objects()))}


def typestats() -> dict[str, float]:
    """Count the objects that the collector tracks with objgraph."""
    import objgraph

    return {"objects": sum(objgraph.typestats().values())}


def growth() -> dict[str, float]:
    """List the types that grew since the last call with objgraph."""
    import objgraph

    return {"objects": len(objgraph.growth(limit=10))}


# Packages to import before the work is timed.
PACKAGES = {
    "guppy3": "guppy",
    "pympler": "pympler.muppy",
    "objgraph": "objgraph",
    "objgraph.growth": "objgraph",
}

WORK: dict[str, Callable[[], dict[str, float]]] = {
    "fork": fork,
    "plain walk": plain_walk,
    "guppy3": guppy,
    "pympler": pympler,
    "objgraph": typestats,
    "objgraph.growth": growth,
}


def resident_bytes() -> int:
    """Return the resident memory of the process, as the system counts it."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def serve(heartbeat: Heartbeat, worker: Worker, done: threading.Event) -> None:
    """Answer commands. "gap" only returns the gaps since the last command.

    "work" starts a thread that keeps the processor busy.
    """
    for line in sys.stdin:
        name = line.strip()
        answer: dict[str, float] = {}
        if name in WORK:
            if name in PACKAGES:
                importlib.import_module(PACKAGES[name])
                heartbeat.take()
            began = time.perf_counter()
            answer = WORK[name]()
            answer["seconds"] = time.perf_counter() - began
        elif name == "work":
            threading.Thread(target=worker.work, daemon=True).start()
        answer |= heartbeat.take()
        answer |= {"work": worker.take(), "resident": resident_bytes()}
        print(json.dumps(answer), flush=True)
    done.set()


def main() -> None:
    count, links = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    RECORDS.extend(make_records(count // (OBJECTS_A_RECORD + (links > 0)), links))
    heartbeat, done = Heartbeat(), threading.Event()
    with ops_service.start() as service:
        print(json.dumps({"address": service.address}), flush=True)
        threading.Thread(target=serve, args=(heartbeat, Worker(), done), daemon=True).start()
        heartbeat.beat_until(done)


if __name__ == "__main__":
    main()
