"""Run another tool on one leak scenario, in the scenario's own process.

Usage: python leakbench_peers.py FOLDER NAME PACKAGES PEER

Runs 1,000 steps unobserved, then 6 samples of 200 steps each. Prints a JSON line.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
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
    """Return types that grew in every sample, with the growth in the last one."""
    import objgraph

    peaks: dict[str, int] = {}
    objgraph.growth(limit=None, peak_stats=peaks, shortnames=False)
    grown: list[dict[str, int]] = []
    for _ in range(SAMPLES):
        steps()
        rows = objgraph.growth(limit=None, peak_stats=peaks, shortnames=False)
        grown.append({row[0]: row[2] for row in rows})
    return in_all(grown)


def ask_pympler(steps: Callable[[], None]) -> list[tuple[str, int]]:
    """Return types that grew in every sample, with the growth in the last one."""
    from pympler import tracker

    summary: Any = tracker.SummaryTracker()
    summary.diff()
    grown: list[dict[str, int]] = []
    for _ in range(SAMPLES):
        steps()
        grown.append({row[0]: row[1] for row in summary.diff() if row[1] > 0})
    return in_all(grown)


def ask_memalot(steps: Callable[[], None]) -> list[tuple[str, int]]:
    """Return types of objects that each block left alive, with the last block's counts."""
    from memalot import create_leak_monitor

    grown: list[dict[str, int]] = []
    with tempfile.TemporaryDirectory() as name:
        # Referrers are not needed here, and finding them takes minutes.
        monitor = create_leak_monitor(
            report_directory=Path(name), output_func=lambda text: None, check_referrers=False
        )
        with monitor:
            pass  # The monitor's first call is warm-up; the scenario had its own.
        for _ in range(SAMPLES):
            with monitor:
                steps()
            (report,) = Path(name).iterdir()
            latest = max(report.glob("*iteration*.json"), key=lambda path: path.stat().st_mtime_ns)
            rows = json.loads(latest.read_text())["leak_summary"]["type_summaries"]
            grown.append({row["object_type"]: row["count"] for row in rows})
    return in_all(grown)


def in_all(grown: list[dict[str, int]]) -> list[tuple[str, int]]:
    """Return what grew in every sample, with the growth in the last one, largest first."""
    return sorted(
        ((name, count) for name, count in grown[-1].items() if all(name in g for g in grown)),
        key=lambda row: -row[1],
    )


PEERS = {"objgraph": ask_objgraph, "pympler": ask_pympler, "memalot": ask_memalot}

if __name__ == "__main__":
    main()
