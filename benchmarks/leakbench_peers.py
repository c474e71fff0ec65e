"""What other tools answer on one leak scenario, in the scenario's own process.

Usage: python leakbench_peers.py FOLDER NAME PACKAGES PEER

1,000 steps unobserved, then 6 samples of 200 steps each; prints a JSON line.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

SAMPLES = 6
STEPS = 200


def main() -> None:
    """Run the scenario and ask the peer."""
    folder, name, packages, peer = sys.argv[1:5]
    sys.path[:0] = [path for path in (packages, folder) if path]
    scenario = importlib.import_module(name)
    scenario.setup()
    number = 0

    def steps(count: int) -> None:
        nonlocal number
        for number in range(number, number + count):  # noqa: B020
            scenario.step(number)
        number += 1

    steps(1000)
    rows = PEERS[peer](lambda: steps(STEPS))
    print(json.dumps({"rows": rows[:10]}), flush=True)


def ask_objgraph(steps: Callable[[], None]) -> list[tuple[str, int]]:
    """Types that grew at each of the samples, by how much in the last one."""
    import objgraph

    peaks: dict[str, int] = {}
    objgraph.growth(limit=None, peak_stats=peaks, shortnames=False)
    grown: list[dict[str, int]] = []
    for _ in range(SAMPLES):
        steps()
        rows = objgraph.growth(limit=None, peak_stats=peaks, shortnames=False)
        grown.append({row[0]: row[2] for row in rows})
    return sorted(
        ((name, count) for name, count in grown[-1].items() if all(name in g for g in grown)),
        key=lambda row: -row[1],
    )


def ask_pympler(steps: Callable[[], None]) -> list[tuple[str, int]]:
    """Types that grew at each of the samples, by how much in the last one."""
    from pympler import tracker

    summary: Any = tracker.SummaryTracker()
    summary.diff()
    grown: list[dict[str, int]] = []
    for _ in range(SAMPLES):
        steps()
        grown.append({row[0]: row[1] for row in summary.diff() if row[1] > 0})
    return sorted(
        ((name, count) for name, count in grown[-1].items() if all(name in g for g in grown)),
        key=lambda row: -row[1],
    )


PEERS = {"objgraph": ask_objgraph, "pympler": ask_pympler}

if __name__ == "__main__":
    main()
