"""Measure what a capture costs its host, next to a bare fork and other tools.

Usage: python capture.py [--short] [--objects N ...] [--rounds N]

Captures, summaries and bare forks of the same process take turns in one run, because the
speed of a machine varies from minute to minute. The gap is the longest time that the
host's main thread, which wakes every millisecond, did not get to run.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

from measured_host import OPSCTL, Host, running_host

PEERS = ("objgraph", "guppy3", "pympler", "plain walk")


class ChildMemory:
    """The peak memory of a process's children, in bytes.

    The resident size includes the memory that a child shares with the host. The private
    part is the cost of the host's writes and of the child's own tables.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self.resident = self.private = 0

    def __enter__(self) -> ChildMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(0.01):
            for path in Path(f"/proc/{self._pid}/task").glob("*/children"):
                with suppress(OSError):  # A child or a thread may end meanwhile.
                    for child in path.read_text().split():
                        self._see(Path(f"/proc/{child}/smaps_rollup").read_text())

    def _see(self, rollup: str) -> None:
        sizes = {
            words[0]: int(words[1]) << 10
            for words in map(str.split, rollup.splitlines())
            if words[-1] == "kB"
        }
        if sizes["Rss:"] > self.resident:
            self.resident = sizes["Rss:"]
        if sizes["Private_Dirty:"] > self.private:
            self.private = sizes["Private_Dirty:"]


def ms(values: list[float]) -> str:
    """Format median, minimum and maximum in milliseconds."""
    return f"{median(values) * 1e3:8.1f} ms   ({min(values) * 1e3:.1f} to {max(values) * 1e3:.1f})"


def measure(host: Host, rounds: int) -> None:
    """Alternate bare forks and captures, then run each peer once."""
    host.capture()  # The first capture verifies the walker's layout in its own child.
    before = host.do("gap")["resident"]
    forks, captures, counts = [], [], []
    for _ in range(rounds):
        host.do("gap")
        forks.append(host.fork())
        captures.append(host.capture())
        counts.append(host.count())
    last = captures[-1]
    # Separately, because reading a process's maps takes time from both sides.
    with ChildMemory(host.process.pid) as child:
        host.capture()
    with ChildMemory(host.process.pid) as counting_child:
        host.count()
    fork_gap = median(fork["gap"] for fork in forks)
    gap = median(one.host["gap"] for one in captures)
    fork_pause = median(fork["pause"] for fork in forks)
    pause = median(one.pause for one in captures)
    rate = median(one.objects / one.seconds for one in captures)
    resident = host.do("gap")["resident"]
    print(f"{last.objects:,} objects, {resident >> 20} MiB resident, {rounds} rounds in turns")
    print(f"  bare fork     largest gap {ms([fork['gap'] for fork in forks])}")
    print(f"                the call    {ms([fork['pause'] for fork in forks])}")
    print(f"  capture       largest gap {ms([one.host['gap'] for one in captures])}")
    print(f"                the clone   {ms([one.pause for one in captures])}")
    print(f"                {rate:,.0f} objects/s from the call to the verified file")
    print(f"                {last.size / last.objects:.1f} bytes an object")
    print(f"                the host grew by {(resident - before) / (1 << 20):.1f} MiB in all")
    print(f"                the child had {child.resident >> 20} MiB resident at most, ", end="")
    print(f"{child.private >> 20} MiB private: {last.child_tables >> 20} MiB of tables")
    print(f"  summary       largest gap {ms([one.gap for one in counts])}")
    counting = median(one.seconds for one in counts)
    print(f"                {last.objects / counting:,.0f} objects/s")
    print(f"                its child had {counting_child.private >> 20} MiB private")
    copied = median(one.copied for one in captures)
    print(f"  copy-on-write cost {copied / (1 << 20):.1f} MiB in a capture")
    for what, value, bound, unit in (
        ("gap at most 1.5 x fork + 10 ms", gap * 1e3, 1.5 * fork_gap * 1e3 + 10, "ms"),
        ("clone at most 1.2 x fork", pause * 1e3, 1.2 * fork_pause * 1e3, "ms"),
        ("time of an object at most 1/3 us", 1e6 / rate, 1 / 3, "us"),
        ("an object on the wire", last.size / last.objects, 24, "bytes"),
        ("the child's mappings an object", last.child_tables / last.objects, 32, "bytes"),
        ("a summary's child, of the host's RSS", 100 * counting_child.private / resident, 3, "%"),
        ("growth of the host", (resident - before) / (1 << 20), 32, "MiB"),
    ):
        say_bound(what, value, bound, unit)
    seconds = convert(host, last.objects)
    say_bound("time of an object converted at most 1 us", seconds * 1e6 / last.objects, 1, "us")
    for peer in PEERS:
        host.do("gap")
        answer = host.do(peer)
        print(
            f"  {peer:13} largest gap {answer['gap'] * 1e3:8.1f} ms, "
            f"{answer['seconds']:.2f} s, {answer['objects']:,} objects"
        )


def say_bound(what: str, value: float, bound: float, unit: str) -> None:
    """Print whether a figure is within its bound."""
    held = "held" if value <= bound else "NOT HELD"
    print(f"  {what}: {value:.2f} of {bound:.2f} {unit}, {held}")


def convert(host: Host, objects: int) -> float:
    """Convert the last capture for Chrome. Returns the seconds."""
    began = time.perf_counter()
    converted = host.file.with_suffix(".heapsnapshot")
    subprocess.run(
        [OPSCTL, "heap", "convert", host.file, converted], check=True, stdout=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - began
    print(f"  conversion    {objects / seconds:,.0f} objects/s, ", end="")
    print(f"{converted.stat().st_size / objects:.1f} bytes an object")
    converted.unlink()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--objects", type=int, nargs="+", default=[1_000_000, 4_000_000, 10_000_000]
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--short", action="store_true", help="a small heap, three rounds")
    arguments = parser.parse_args()
    if arguments.short:
        arguments.objects, arguments.rounds = [100_000], 3
    load = os.getloadavg()[0]
    print(f"CPython {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f} before\n")
    with tempfile.TemporaryDirectory() as name:
        for objects in arguments.objects:
            with running_host(Path(name), objects) as host:
                measure(host, arguments.rounds)
            print()


if __name__ == "__main__":
    main()
