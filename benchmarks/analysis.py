"""Measure the analysis of a heap: load, dominators, paths, a report, a file for Chrome.

Usage: python analysis.py [--short] [--objects N ...]

Each step captures a host whose records refer to each other, with about 2.6 references
per object. A separate process reads the capture, so that its memory can be measured.
igraph finds the dominators of the same heap up to the size of the bounds. If tests/node
has its packages (make test-node), memlab and the code of Chrome's DevTools read the
converted file of the smaller steps until they know what each object retains.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis_page import seconds_to_draw
from analysis_peers import compare_with_peers
from measured_host import running_host

from ops_client.devtools import write_heapsnapshot
from ops_client.heap_graph import PathFinder, find_dominators, read_heap_graph
from ops_client.report import write_report

LINKS = 12
# The bounds apply up to this size.
BOUND_OBJECTS = 10_200_000


def peak_bytes() -> int:
    """Return the peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def measure(file: Path) -> dict[str, float]:
    """Analyze one capture. Times in seconds, memory in bytes without the imports."""
    times: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = work()
        times[name] = time.perf_counter() - began
        return result

    before = peak_bytes()
    graph = timed("load", lambda: read_heap_graph(file))
    tree = timed("dominators", lambda: find_dominators(graph))
    memory = peak_bytes() - before
    timed("by type", lambda: tree.retained_by_type)
    timed("paths", lambda: PathFinder(graph))
    timed("report", lambda: write_report(tree, file.with_suffix(".html")))
    timed("convert", lambda: write_heapsnapshot(graph, file.with_suffix(".heapsnapshot")))
    return times | {"objects": graph.object_count, "edges": graph.edge_count, "memory": memory}


def show(found: dict[str, float]) -> None:
    """Print one step, and whether the bounds hold."""
    objects, edges = int(found["objects"]), int(found["edges"])
    print(f"{objects:,} objects, {edges:,} references")
    for name in ("load", "dominators", "by type", "paths", "report", "convert"):
        print(f"  {name:<11}{found[name]:7.2f} s   {objects / found[name] / 1e6:7.1f} million/s")
    print(f"  memory     {found['memory'] / objects:7.1f} bytes an object, loaded and dominated")
    if objects > BOUND_OBJECTS:
        return
    allowed = 64 * objects + 16 * edges
    # The page needs the dominators, so a user waits for these too.
    page = found["dominators"] + found["report"]
    for what, value, bound in (
        ("load within 3 s", found["load"], 3.0),
        ("dominators and retained sizes within 15 s", found["dominators"], 15.0),
        ("report within 15 s", page, 15.0),
        ("convert a million objects within 1 s", found["convert"] / objects * 1e6, 1.0),
        ("64 bytes an object and 16 an edge, in GB", found["memory"] / 1e9, allowed / 1e9),
    ):
        print(f"  {what}: {value:.2f} of {bound:.2f}, {'held' if value <= bound else 'NOT HELD'}")


def show_page(page: Path) -> None:
    """Print the size of the report, and when a browser shows it."""
    seconds = seconds_to_draw(page)
    drawn = "Chromium is not installed" if seconds is None else f"drawn after {seconds:.2f} s"
    print(f"  the page has {page.stat().st_size / 1e3:.0f} kB, {drawn}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    millions = [1, 2, 5, 10, 20]
    parser.add_argument("--objects", type=int, nargs="+", default=[m * 10**6 for m in millions])
    parser.add_argument("--short", action="store_true", help="a small heap")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure)))
        return
    load = os.getloadavg()[0]
    print(f"CPython {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f} before\n")
    with tempfile.TemporaryDirectory() as name:
        for objects in [200_000] if arguments.short else arguments.objects:
            with running_host(Path(name), objects, LINKS) as host:
                host.capture()
            command = [sys.executable, __file__, "--measure", str(host.file)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found = json.loads(done.stdout)
            show(found)
            show_page(host.file.with_suffix(".html"))
            compare_with_peers(host.file, found["objects"], found["load"], found["dominators"])
            print(flush=True)


if __name__ == "__main__":
    main()
