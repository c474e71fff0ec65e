"""Measure what a growth sample costs its host, next to a bare fork and other tools.

Usage: python growth.py [--short] [--objects N ...] [--rounds N] [--samples N]

Samples of one watch and bare forks of the same process take turns in one run. Then the
same within a CPU quota, and the memory that the host keeps for a long watch.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path
from statistics import median

from capture import ms, say_bound
from measured_host import Host, running_host
from quota import quota_group

from ops_service.v1 import growth_pb2

PEERS = ("objgraph", "objgraph.growth", "guppy3", "pympler")
QUOTA_OBJECTS = 1_000_000
BLOCK = 3
# From this size on, the gap must be at most a tenth of the peers'.
COMPARED_FROM = 4_000_000


def take_samples(host: Host, interval: float, gaps: list[float], seconds: list[float]) -> int:
    """Take the samples of one watch. Returns the number of objects."""
    begin, counted = time.monotonic(), 0
    host.do("gap")
    for part in host.client.watch_heap_growth(interval=interval, duration=BLOCK * interval):
        if isinstance(part, growth_pb2.HeapGrowthHeader):
            begin = time.monotonic()
        if not isinstance(part, growth_pb2.HeapGrowthReport):
            continue
        late = time.monotonic() - begin - (part.sample_count - 1) * interval
        noted = host.do("gap")
        # The first sample builds the table of paths.
        if part.sample_count > 1:
            gaps.append(noted["gap"])
            seconds.append(late)
            counted = part.object_count
    return counted


def measure(host: Host, objects: int, rounds: int, *, slow: float = 1.0) -> None:
    """Take turns of bare forks and samples, then run each peer.

    Args:
        slow: Factor by which a sample may take longer than without a quota.
    """
    interval = slow * max(0.5, objects / 2_000_000)
    gaps: list[float] = []
    seconds: list[float] = []
    forks = []
    counted = 0
    host.count()  # Verifies the walker's layout in its own child.
    # The port ends its streams at a fork, so blocks of a few forks and samples take turns.
    for _ in range(-(-rounds // BLOCK)):
        for _ in range(BLOCK):
            host.do("gap")
            forks.append(host.fork())
        counted = take_samples(host, interval, gaps, seconds)
    resident = host.do("gap")["resident"]
    print(f"{counted:,} objects, {resident >> 20} MiB resident, {rounds} rounds in turns")
    print(f"  bare fork     largest gap {ms([fork['gap'] for fork in forks])}")
    print(f"  sample        largest gap {ms(gaps)}")
    print(f"                from due to report {ms(seconds)}")
    gap, fork_gap = median(gaps) * 1e3, median(fork["gap"] for fork in forks) * 1e3
    say_bound("gap at most 1.5 x fork + 10 ms", gap, 1.5 * fork_gap + 10, "ms")
    for peer in PEERS:
        host.do("gap")
        if peer == "objgraph.growth":
            # The first call has nothing to compare with.
            host.do(peer)
        # As often as a sample, if its time is compared with a sample's.
        answers = [host.do(peer) for _ in range(rounds if peer == "objgraph" else 1)]
        peer_gap = median(answer["gap"] for answer in answers)
        peer_seconds = median(answer["seconds"] for answer in answers)
        print(f"  {peer:16} largest gap {peer_gap * 1e3:8.1f} ms, {peer_seconds:.2f} s")
        if peer == "objgraph":
            limit = peer_seconds * 1e3
            say_bound("time of a sample, of typestats()", median(seconds) * 1e3, limit, "ms")
        elif objects >= COMPARED_FROM:
            say_bound(f"gap, of a tenth of {peer}", gap, peer_gap * 1e2, "ms")


def keep_watching(host: Host, samples: int) -> None:
    """Measure how much the host's memory grows in a watch of ``samples`` samples."""
    before = host.do("gap")["resident"]
    after, taken = before, 0
    for part in host.client.watch_heap_growth(
        interval=0.1, duration=0.1 * (samples - 1), timeout=3600
    ):
        if isinstance(part, growth_pb2.HeapGrowthReport):
            taken = part.sample_count
            after = host.do("gap")["resident"]
    print(f"  a watch of {taken} samples")
    say_bound("memory of its books at most", (after - before) / (1 << 20), 64, "MiB")


def measure_in_quota(cpus: float, objects: int, rounds: int) -> None:
    """Measure the same with host and child within one quota."""
    try:
        with (
            quota_group(cpus) as group,
            tempfile.TemporaryDirectory() as name,
            running_host(Path(name), objects) as host,
        ):
            (group / "cgroup.procs").write_text(str(host.process.pid))
            print(f"quota of {cpus:g} CPU: ", end="")
            measure(host, objects, rounds, slow=8 / cpus)
    except OSError as error:
        print(f"quota of {cpus:g} CPU: left out, since no group can be made: {error}")


def main() -> None:
    """Run the benchmark with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--objects", type=int, nargs="+", default=[1_000_000, 4_000_000, 10_000_000]
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--samples", type=int, default=200, help="of the long watch")
    parser.add_argument("--short", action="store_true", help="a small heap, few rounds")
    arguments = parser.parse_args()
    quota_objects = QUOTA_OBJECTS
    if arguments.short:
        arguments.objects, arguments.rounds, arguments.samples = [100_000], 3, 10
        quota_objects = 100_000
    load = os.getloadavg()[0]
    print(f"CPython {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f} before\n")
    with tempfile.TemporaryDirectory() as name:
        for objects in arguments.objects:
            with running_host(Path(name), objects) as host:
                measure(host, objects, arguments.rounds)
                if objects == max(arguments.objects):
                    keep_watching(host, arguments.samples)
            print()
    for cpus in (0.5, 1.0):
        measure_in_quota(cpus, quota_objects, arguments.rounds)


if __name__ == "__main__":
    main()
