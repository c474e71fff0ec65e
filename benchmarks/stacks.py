"""Measure how long a capture of stacks takes, and how long it delays an event loop.

Usage: python stacks.py [--short] [--threads N] [--tasks N] [--rounds N]

A host waits in N threads and N asyncio tasks. Each task is three coroutines deep, one of
them an asynchronous generator. Their loop wakes every millisecond and records the
largest gap. Windows with a capture of one sample and windows of the same length without
one take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO, Any

from measured_host import CONFIG, HERE, OPSCTL

from ops_client import ClientCredentials, MaintenanceClient, Stacks

SECONDS_ALLOWED = 1.0
GAP_ALLOWED = 0.050


@dataclass(frozen=True)
class Window:
    """One window. Times in seconds."""

    seconds: float
    loop_gap: float
    thread_gap: float


def ask(host: subprocess.Popen[str]) -> dict[str, Any]:
    """Ask the host for its gaps since the last request."""
    pipe(host.stdin).write("\n")
    pipe(host.stdin).flush()
    return read(host)


def read(host: subprocess.Popen[str]) -> dict[str, Any]:
    """Read one line from the host."""
    line = pipe(host.stdout).readline()
    if not line:
        raise SystemExit(f"the host ended with status {host.wait()}")
    found: dict[str, Any] = json.loads(line)
    return found


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def measure(
    host: subprocess.Popen[str], client: MaintenanceClient, rounds: int
) -> tuple[Stacks, list[Window], list[Window]]:
    """Alternate windows with and without a capture."""
    stacks = client.capture_stacks(sample_distance=0)
    captured, alone = [], []
    for _ in range(rounds):
        ask(host)
        began = time.perf_counter()
        stacks = client.capture_stacks(sample_distance=0)
        seconds = time.perf_counter() - began
        gaps = ask(host)
        captured.append(Window(seconds, gaps["loop"], gaps["thread"]))
        time.sleep(seconds)
        gaps = ask(host)
        alone.append(Window(seconds, gaps["loop"], gaps["thread"]))
    return stacks, captured, alone


def report(stacks: Stacks, captured: list[Window], alone: list[Window]) -> None:
    """Print the results, and whether the promised bounds hold."""
    trailer = stacks.trailer
    print(
        f"stacks of {trailer.thread_count} threads and {trailer.task_count} tasks, one sample, "
        f"{len(captured)} captures"
    )
    seconds = sorted(window.seconds for window in captured)
    print(f"  from call to end: median {median(seconds):.3f} s, longest {seconds[-1]:.3f} s")
    for name, windows in (("with", captured), ("without", alone)):
        for of, gaps in (
            ("loop", sorted(window.loop_gap for window in windows)),
            ("thread", sorted(window.thread_gap for window in windows)),
        ):
            print(
                f"  {name:7} a capture, largest gap of the {of:6}: median "
                f"{median(gaps) * 1e3:6.1f} ms, largest {gaps[-1] * 1e3:6.1f} ms"
            )
    gap = max(window.loop_gap for window in captured)
    for what, holds in (
        (f"within {SECONDS_ALLOWED:g} s", seconds[-1] <= SECONDS_ALLOWED),
        (f"no loop stalled for more than {GAP_ALLOWED * 1e3:g} ms", gap <= GAP_ALLOWED),
    ):
        print(f"  {what}: {'held' if holds else 'NOT HELD'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--short", action="store_true", help="few threads and tasks, two rounds")
    arguments = parser.parse_args()
    if arguments.short:
        arguments.threads, arguments.tasks, arguments.rounds = 20, 1_000, 2
    with tempfile.TemporaryDirectory() as name:
        directory, certs = Path(name), Path(name) / "certs"
        subprocess.run([OPSCTL, "certs", "init", certs], check=True, stdout=subprocess.DEVNULL)
        config = directory / "ops_service.toml"
        config.write_text(CONFIG.read_text().replace("127.0.0.1:7443", "127.0.0.1:0"))
        host = subprocess.Popen(
            [
                sys.executable,
                HERE / "stacks_host.py",
                *map(str, (arguments.threads, arguments.tasks)),
            ],
            env=os.environ | {"OPS_SERVICE_CONFIG": str(config)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            credentials = ClientCredentials(
                certs / "ca.pem", certs / "client.pem", certs / "client-key.pem"
            )
            with MaintenanceClient(read(host)["address"], credentials) as client:
                report(*measure(host, client, arguments.rounds))
        finally:
            host.kill()
            host.wait()


if __name__ == "__main__":
    main()
