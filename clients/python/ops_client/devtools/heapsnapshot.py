"""Write Chrome's ``.heapsnapshot`` files, block by block."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ops_client._part_file import PartFile
from ops_client.devtools.edge_rows import EdgeRows
from ops_client.devtools.layout import snapshot_section
from ops_client.devtools.nodes import lay_out_nodes
from ops_client.devtools.strings import StringTable
from ops_client.devtools.traces import Traces
from ops_client.heap_graph._algorithms import decimals
from ops_client.heap_graph.model import HeapGraph

# Rows that are converted to text at once: about 30 MB of memory.
_BLOCK_ROWS = 1 << 18

Progress = Callable[[int, int], None]
"""Called with the number of nodes and edges written so far, and the total."""


def write_heapsnapshot(
    graph: HeapGraph, path: str | os.PathLike[str], progress: Progress | None = None
) -> None:
    """Write a graph as a file for Chrome DevTools, memlab and others.

    The self size of a node includes the bytes that ``sys.getsizeof`` leaves out. The file
    appears at ``path`` when it is complete, and replaces an existing file. Costs about
    half a second, 70 MB of disk and 40 MB of memory for a million objects.

    Raises:
        FileNotWritten: The disk is full, or the place is not writable.
        HeapGraphFileError: The format cannot hold such a graph.
    """
    strings = StringTable()
    traces = Traces(graph, strings)
    nodes = lay_out_nodes(graph, strings, traces.node_ids())
    edges = EdgeRows(graph, nodes, strings)
    edge_count = int(nodes.edge_counts.sum(dtype=np.int64))
    total = len(nodes) + edge_count
    head = snapshot_section(len(nodes), edge_count, traces.function_count)
    done = 0
    with PartFile(path) as file:

        def section(name: str, blocks: Iterator[NDArray[np.uint32]]) -> None:
            nonlocal done
            # No space before or after the colon: loaders search for these exact bytes.
            file.write(f',"{name}":['.encode())
            separator = b""
            for block in blocks:
                if not len(block):
                    continue
                file.write(separator + decimals(block.reshape(-1)))
                separator = b","
                done += len(block)
                if progress is not None:
                    progress(done, total)
            file.write(b"]")

        file.write(b'{"snapshot":' + _json(head))
        section(
            "nodes",
            (
                nodes.rows(first, min(first + _BLOCK_ROWS, len(nodes)))
                for first in range(0, len(nodes), _BLOCK_ROWS)
            ),
        )
        section("edges", _edge_blocks(graph, edges))
        file.write(b',"trace_function_infos":' + _json(traces.function_infos()))
        file.write(b',"trace_tree":' + _json(traces.tree()))
        file.write(b',"samples":[],"locations":[]')
        file.write(b',"strings":' + _json(strings.strings) + b"}")
        file.commit()


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _edge_blocks(graph: HeapGraph, edges: EdgeRows) -> Iterator[NDArray[np.uint32]]:
    yield edges.of_roots()
    first = 0
    while first < graph.object_count:
        # As many objects as fill a block with edges, and at least one.
        limit = int(graph.edge_starts[first]) + _BLOCK_ROWS
        last = int(np.searchsorted(graph.edge_starts, limit, side="right")) - 1
        last = min(max(last, first + 1), graph.object_count)
        rows = edges.of_objects(first, last)
        for start in range(0, len(rows), _BLOCK_ROWS):
            yield rows[start : start + _BLOCK_ROWS]
        first = last
