"""What a capture costs its host, beside a bare fork of the same process and other tools.

Usage: python capture.py [--short] [--objects N ...] [--rounds N]

Captures and bare forks take turns in one run, since a machine is not the same
from one minute to the next. The gap is the longest that the host's main thread,
which wakes every millisecond, did not get to run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from ops_client import ClientCredentials, MaintenanceClient

HERE = Path(__file__).resolve().parent
CONFIG = HERE.parent / "examples/demo_shop/ops_service.toml"
PEERS = ("objgraph", "guppy3", "pympler", "plain walk")


@dataclass(frozen=True)
class Captured:
    """One capture. Times in seconds, sizes in bytes."""

    gap: float
    pause: float
    seconds: float
    """From the call to the verified file."""
    objects: int
    size: int
    child_tables: int


class Host:
    """A running host and a client of it."""

    def __init__(self, directory: Path, objects: int) -> None:
        certs = directory / "certs"
        if not certs.exists():
            opsctl = Path(sys.executable).parent / "opsctl"
            subprocess.run([opsctl, "certs", "init", certs], check=True, stdout=subprocess.DEVNULL)
            text = CONFIG.read_text().replace("127.0.0.1:7443", "127.0.0.1:0")
            (directory / "ops_service.toml").write_text(text)
        self._file = directory / "host.heap"
        self.process = subprocess.Popen(
            [sys.executable, HERE / "host.py", str(objects)],
            env=os.environ
            | {
                "OPS_SERVICE_CONFIG": str(directory / "ops_service.toml"),
                # Both warn of each bare fork.
                "GRPC_VERBOSITY": "ERROR",
                "PYTHONWARNINGS": "ignore::DeprecationWarning",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        address = self._answer()["address"]
        credentials = ClientCredentials(
            certs / "ca.pem", certs / "client.pem", certs / "client-key.pem"
        )
        self.client = MaintenanceClient(address, credentials)

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the host ended with status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def do(self, command: str) -> dict[str, Any]:
        """Have the host do something; "gap" alone tells the gap since last asked."""
        assert self.process.stdin
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self._answer()

    def capture(self) -> Captured:
        """Capture its heap into a file."""
        self.do("gap")
        began = time.perf_counter()
        captured = self.client.capture_heap_snapshot(self._file)
        seconds = time.perf_counter() - began
        trailer = captured.trailer
        return Captured(
            gap=self.do("gap")["gap"],
            pause=trailer.clone_pause.ToNanoseconds() / 1e9,
            seconds=seconds,
            objects=trailer.object_count,
            size=self._file.stat().st_size,
            child_tables=trailer.child_table_bytes,
        )


class ChildMemory:
    """The largest memory of the children that a process has, in bytes.

    The resident size counts what a child shares with the host; the private part
    is what the host's writes and the child's own tables cost.
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
                with suppress(OSError):  # A child that ends, or a thread.
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


@contextmanager
def running_host(directory: Path, objects: int) -> Iterator[Host]:
    """Start a host, and end it with the block."""
    host = Host(directory, objects)
    try:
        yield host
    finally:
        host.client.close()
        host.process.kill()
        host.process.wait()


def ms(values: list[float]) -> str:
    """Median, smallest and largest in milliseconds."""
    return f"{median(values) * 1e3:8.1f} ms   ({min(values) * 1e3:.1f} to {max(values) * 1e3:.1f})"


def measure(host: Host, rounds: int) -> None:
    """Take turns of bare forks and captures, then run each peer once."""
    host.capture()  # The first proves the walker's layout in a child of its own.
    before = host.do("gap")["resident"]
    forks, captures = [], []
    for _ in range(rounds):
        host.do("gap")
        forks.append(host.do("fork"))
        captures.append(host.capture())
    last = captures[-1]
    # Apart, since reading a process's maps takes time from both sides.
    with ChildMemory(host.process.pid) as child:
        host.capture()
    fork_gap = median(fork["gap"] for fork in forks)
    gap = median(one.gap for one in captures)
    fork_pause = median(fork["pause"] for fork in forks)
    pause = median(one.pause for one in captures)
    rate = median(one.objects / one.seconds for one in captures)
    resident = host.do("gap")["resident"]
    print(f"{last.objects:,} objects, {resident >> 20} MiB resident, {rounds} rounds in turns")
    print(f"  bare fork     largest gap {ms([fork['gap'] for fork in forks])}")
    print(f"                the call    {ms([fork['pause'] for fork in forks])}")
    print(f"  capture       largest gap {ms([one.gap for one in captures])}")
    print(f"                the clone   {ms([one.pause for one in captures])}")
    print(f"                {rate:,.0f} objects/s from the call to the verified file")
    print(f"                {last.size / last.objects:.1f} bytes an object")
    print(f"                the host grew by {(resident - before) / (1 << 20):.1f} MiB in all")
    print(f"                the child had {child.resident >> 20} MiB resident at most, ", end="")
    print(f"{child.private >> 20} MiB private: {last.child_tables >> 20} MiB of tables")
    for what, value, bound in (
        ("gap at most 1.5 x fork + 10 ms", gap, 1.5 * fork_gap + 0.010),
        ("clone at most 1.2 x fork", pause, 1.2 * fork_pause),
    ):
        held = "held" if value <= bound else "NOT HELD"
        print(f"  {what}: {value * 1e3:.1f} of {bound * 1e3:.1f} ms, {held}")
    for peer in PEERS:
        host.do("gap")
        answer = host.do(peer)
        print(
            f"  {peer:13} largest gap {answer['gap'] * 1e3:8.1f} ms, "
            f"{answer['seconds']:.2f} s, {answer['objects']:,} objects"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, nargs="+", default=[1_000_000, 4_000_000])
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
