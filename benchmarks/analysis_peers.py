"""Measure other tools on dominators and retained sizes of the heaps of analysis.py."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from ops_client.heap_graph import find_dominators, read_heap_graph
from ops_client.heap_graph.roots import all_roots
from ops_service.v1 import heap_graph_pb2 as pb

# The size up to which the bounds hold: igraph takes half a gigabyte per million objects.
MAX_OBJECTS = 10_200_000
SECONDS = 120.0
"""Time limit of each tool."""
NODE_READERS = Path(__file__).resolve().parents[1] / "tests/node"
READERS = {"memlab": "memlab", "toolkit": "DevTools"}


def compare_with_peers(file: Path, objects: float, load: float, dominators: float) -> None:
    """Print the time of other tools for the same heap.

    Args:
        file: A heap graph. The same graph is next to it as a .heapsnapshot.
        objects: Number of objects in the graph.
        load: Seconds that our reader took.
        dominators: Seconds that we took for dominators and retained sizes.
    """
    if objects > MAX_OBJECTS:
        return
    _igraph(file, dominators)
    if not shutil.which("node") or not (NODE_READERS / "node_modules").exists():
        print("  memlab and DevTools are left out: make test-node installs them")
        return
    for reader, name in READERS.items():
        command = ["node", "--max-old-space-size=12000", "load.mjs", "timed", reader]
        found = _timed(name, [*command, str(file.with_suffix(".heapsnapshot"))])
        if found is not None:
            print(
                f"  {name:<11}{found['seconds']:7.2f} s from its file to retained sizes, "
                f"{found['resident'] / found['nodes']:.0f} bytes an object: "
                f"{found['seconds'] / (load + dominators):.0f} times as long as ours from ours"
            )


def _igraph(file: Path, dominators: float) -> None:
    found = _timed("igraph", [sys.executable, __file__, str(file)])
    if found is not None:
        print(
            f"  {'igraph':<11}{found['build']:7.2f} s to take the references over and "
            f"{found['dominators']:.2f} s for dominators alone, "
            f"{found['memory'] / found['objects']:.0f} bytes an object: "
            f"{(found['build'] + found['dominators']) / dominators:.0f} times as long as ours; "
            f"{found['same']:,} of {found['objects']:,} dominators are the same"
        )


def _timed(name: str, command: list[str]) -> dict[str, Any] | None:
    try:
        done = subprocess.run(
            command,
            cwd=NODE_READERS,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        print(f"  {name:<11}not ready after {SECONDS:.0f} s")
        return None
    if done.returncode:
        print(f"  {name:<11}ended with {done.returncode}")
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure_igraph(file: Path) -> dict[str, float]:
    """Find the dominators of one heap with igraph, in its own process.

    igraph's graph has an extra vertex above all roots. Times in seconds, memory in bytes.
    """
    import igraph
    from analysis import peak_bytes

    graph = read_heap_graph(file)
    ours = find_dominators(graph).immediate
    count, roots = graph.object_count, all_roots(graph)
    strong = graph.edge_kinds != pb.EDGE_KIND_WEAK
    edges = np.empty((len(roots) + np.count_nonzero(strong), 2), np.int64)
    edges[: len(roots), 0] = count
    edges[: len(roots), 1] = roots
    edges[len(roots) :, 0] = graph.edge_sources()[strong]
    edges[len(roots) :, 1] = graph.edge_targets[strong]

    before, began = peak_bytes(), time.perf_counter()
    other = igraph.Graph(count + 1, edges, directed=True)
    built = time.perf_counter()
    theirs = other.dominator(count)
    ended = time.perf_counter()
    return {
        "objects": count,
        "build": built - began,
        "dominators": ended - built,
        "memory": peak_bytes() - before,
        "same": int(np.count_nonzero(np.array(theirs[:count]) == ours)),
    }


if __name__ == "__main__":
    print(json.dumps(measure_igraph(Path(sys.argv[1]))))
