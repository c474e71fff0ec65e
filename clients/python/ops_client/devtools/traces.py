"""Allocation sites of objects, as the trace tree of a ``.heapsnapshot``.

Each line of code is a separate function, and all functions are children of one root: a
heap graph has only tracemalloc's innermost line.
"""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from ops_client.devtools.strings import StringTable
from ops_client.heap_graph.model import HeapGraph

_ROOT_ID = 1


class Traces:
    """The sections about allocation sites; empty if the graph has none."""

    def __init__(self, graph: HeapGraph, strings: StringTable) -> None:
        self._graph = graph
        self._strings = strings
        self._count = len(graph.allocation_sites) if len(graph.site_indexes) else 0

    @property
    def function_count(self) -> int:
        """Number of entries in ``trace_function_infos``."""
        return self._count

    def node_ids(self) -> NDArray[np.uint32]:
        """Return each object's node id in the tree; 0 if its site is unknown."""
        if not self._count:
            return np.zeros(self._graph.object_count, np.uint32)
        sites = self._graph.site_indexes
        return np.where(sites, sites + np.uint32(_ROOT_ID), 0).astype(np.uint32)

    def function_infos(self) -> list[int]:
        """Return flat rows: first the root, then the sites."""
        rows: list[int] = []
        scripts: dict[str, int] = {}
        for number, site in enumerate(self._graph.allocation_sites[: self._count]):
            file = site.file_name if number else "(root)"
            name = f"{PurePath(file).name}:{site.line}" if number else file
            script = scripts.setdefault(file, len(scripts))
            index = self._strings.index
            rows += [number, index(name), index(file), script, site.line, 0]
        return rows

    def tree(self) -> list[object]:
        """Return one root with a child per site: id, function, count, size, children."""
        if not self._count:
            return []
        graph = self._graph
        sizes = graph.sizes + graph.extra_sizes
        counts = np.bincount(graph.site_indexes, minlength=self._count)
        totals = np.zeros(self._count, np.uint64)
        np.add.at(totals, graph.site_indexes, sizes)
        children: list[object] = []
        for site in range(1, self._count):
            children += [_ROOT_ID + site, site, int(counts[site]), int(totals[site]), []]
        return [_ROOT_ID, 0, int(counts[1:].sum()), int(totals[1:].sum()), children]
