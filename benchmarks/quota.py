"""Measure what a capture costs a host with a CPU quota, as containers have.

Usage: python quota.py [--short] [--objects N] [--rounds N]

The host and the walking child share one quota. A thread of the host works all the time.
Windows with a capture and windows of the same length without one take turns. The
benchmark needs the rights to make a control group; without them it reports that.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from measured_host import Host, running_host

PERIOD_MICROSECONDS = 100_000
ROOT = Path("/sys/fs/cgroup")


@contextmanager
def quota_group(cpus: float) -> Iterator[Path]:
    """Make a control group (version 2 or 1) with a CPU quota; remove it after the block."""
    quota = int(cpus * PERIOD_MICROSECONDS)
    second = (ROOT / "cgroup.controllers").exists()
    group = (ROOT if second else ROOT / "cpu") / f"ops_service_bench_{os.getpid()}"
    group.mkdir()
    try:
        if second:
            (group / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        yield group
    finally:
        group.rmdir()


def measure(host: Host, cpus: float, rounds: int) -> None:
    """Alternate windows with and without a capture."""
    host.do("work")
    seconds = host.capture().seconds
    alone, beside = [], []
    for _ in range(rounds):
        host.do("gap")
        began = time.perf_counter()
        time.sleep(seconds)
        without = host.do("gap")
        alone.append(without | {"rate": without["work"] / (time.perf_counter() - began)})
        began = time.perf_counter()
        captured = host.capture()
        seconds = captured.seconds
        beside.append(captured.host | {"rate": captured.host["work"] / seconds})
    print(f"quota of {cpus:g} CPU: {captured.objects:,} objects, a capture took {seconds:.1f} s")
    gaps, p99s, rates = (
        [median(each[key] for each in windows) for windows in (alone, beside)]
        for key in ("gap", "p99", "rate")
    )
    for name, gap, p99, rate in zip(("without", "with"), gaps, p99s, rates, strict=True):
        print(
            f"  {name:8} a capture: largest gap {gap * 1e3:7.1f} ms, p99 {p99 * 1e3:6.1f} ms, "
            f"{rate:9,.0f} units of work/s"
        )
    lost = 1 - rates[1] / rates[0]
    held = "held" if lost <= 0.25 else "NOT HELD"
    print(f"  at most a quarter of its work lost: {lost:.0%}, {held}")
    # A row in the format of docs/benchmarks.md.
    pairs = [", ".join(f"{each * 1e3:.0f} ms" for each in both) for both in (gaps, p99s)]
    pairs.append(", ".join(f"{each:,.0f}" for each in rates))
    print(f"  | {cpus:g} CPU | {' | '.join(pairs)} | {lost:.0%} | {seconds:.1f} s |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--short", action="store_true", help="a small heap, two rounds")
    arguments = parser.parse_args()
    if arguments.short:
        arguments.objects, arguments.rounds = 100_000, 2
    for cpus in (0.5, 1.0):
        try:
            with (
                quota_group(cpus) as group,
                tempfile.TemporaryDirectory() as name,
                running_host(Path(name), arguments.objects) as host,
            ):
                (group / "cgroup.procs").write_text(str(host.process.pid))
                measure(host, cpus, arguments.rounds)
        except OSError as error:
            print(f"quota of {cpus:g} CPU: left out, since no group can be made: {error}")


if __name__ == "__main__":
    main()
