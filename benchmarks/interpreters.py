"""Compare captures between interpreters, in turns within one run.

Usage: python interpreters.py [--short] [--objects N] [--rounds N] PYTHON...

Each PYTHON has the package installed, as .venv/3.15/bin/python has after `make test
VERSION=3.15`. Prints each one's medians, and their ratio to those of the interpreter that
runs this program.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from measured_host import Captured, running_host

RELEASE = "import platform; print(platform.python_version())"


def figures(captures: list[Captured]) -> tuple[float, float, float]:
    """Objects a second, seconds of the clone, and seconds of the host's largest gap."""
    return (
        median(one.objects / one.seconds for one in captures),
        median(one.pause for one in captures),
        median(one.host["gap"] for one in captures),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("pythons", nargs="*")
    parser.add_argument("--objects", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--short", action="store_true", help="a small heap, and two rounds")
    options = parser.parse_args()
    objects, rounds = (50_000, 2) if options.short else (options.objects, options.rounds)
    pythons = [sys.executable, *options.pythons]
    captures: dict[str, list[Captured]] = {python: [] for python in pythons}
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hosts = {
            python: stack.enter_context(running_host(place, objects, python=python))
            for python in pythons
        }
        for host in hosts.values():
            host.capture()  # The first one verifies the walker's layout in a child of its own.
        for _ in range(rounds):
            for python, host in hosts.items():
                captures[python].append(host.capture())
    first = figures(captures[sys.executable])
    print(f"{objects:,} objects, {rounds} rounds in turns; in brackets the ratio to the first")
    for python in pythons:
        command = [python, "-c", RELEASE]
        release = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        rate, pause, gap = figures(captures[python])
        print(
            f"  {release:9} {rate:12,.0f} objects/s ({rate / first[0]:.2f})   "
            f"clone {pause * 1e3:6.1f} ms ({pause / first[1]:.2f})   "
            f"largest gap {gap * 1e3:6.1f} ms ({gap / first[2]:.2f})"
        )


if __name__ == "__main__":
    main()
