"""Schemas and rows of the tables of a heap graph. All tables have ``snapshot_id``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ops_client.heap_graph.dominators import DominatorTree
from ops_client.heap_graph.model import HeapGraph, type_name
from ops_client.heap_graph.paths import PathFinder
from ops_service.v1 import heap_graph_pb2 as pb

BATCH_ROWS = 1 << 20

_NAMES = pa.dictionary(pa.int32(), pa.string())

# The columns of each table.
SCHEMAS: dict[str, pa.Schema] = {
    "snapshots": pa.schema(
        [
            ("snapshot_id", pa.string()),
            ("instance_id", pa.string()),
            ("pid", pa.int64()),
            ("host_name", pa.string()),
            ("capture_time", pa.timestamp("us", "UTC")),
            ("python_version", pa.string()),
            ("resident_bytes", pa.int64()),
            ("object_count", pa.int64()),
            ("edge_count", pa.int64()),
            ("total_size", pa.int64()),
        ]
    ),
    "nodes": pa.schema(
        [
            ("snapshot_id", _NAMES),
            ("node", pa.int64()),
            ("id", pa.int64()),
            ("type", pa.int32()),
            ("type_name", _NAMES),
            ("size", pa.int64()),
            ("extra_size", pa.int64()),
            ("retained_size", pa.int64()),
            ("dominator", pa.int64()),
            ("flags", pa.int32()),
        ]
    ),
    "edges": pa.schema(
        [
            ("snapshot_id", _NAMES),
            ("source", pa.int64()),
            ("target", pa.int64()),
            ("kind", _NAMES),
            ("name", _NAMES),
        ]
    ),
    "types": pa.schema(
        [
            ("snapshot_id", pa.string()),
            ("type", pa.int32()),
            ("type_name", pa.string()),
            ("module", pa.string()),
            ("count", pa.int64()),
            ("size", pa.int64()),
            ("retained_size", pa.int64()),
        ]
    ),
    "paths": pa.schema(
        [
            ("snapshot_id", _NAMES),
            ("node", pa.int64()),
            ("parent", pa.int64()),
            ("root", pa.int64()),
            ("distance", pa.int32()),
            ("kind", _NAMES),
            ("name", _NAMES),
        ]
    ),
}

_KINDS = [
    pb.EdgeKind.Name(kind).removeprefix("EDGE_KIND_").lower()
    if kind in pb.EdgeKind.values()
    else f"kind {kind}"
    for kind in range(16)
]


@dataclass(frozen=True)
class Tables:
    """The tables of one heap graph, produced batch by batch."""

    tree: DominatorTree
    paths: PathFinder

    @property
    def graph(self) -> HeapGraph:
        return self.tree.graph

    def batches(self, table: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a table, at most ``BATCH_ROWS`` at a time."""
        makers: dict[str, tuple[int, Callable[[int, int], list[Any]]]] = {
            "snapshots": (1, self._snapshots),
            "nodes": (self.graph.object_count, self._nodes),
            "edges": (self.graph.edge_count, self._edges),
            "types": (len(self.graph.types), self._types),
            "paths": (self.graph.object_count, self._paths),
        }
        count, make = makers[table]
        schema = SCHEMAS[table]
        for first in range(0, count, BATCH_ROWS):
            last = min(first + BATCH_ROWS, count)
            columns = [
                column if isinstance(column, pa.Array) else pa.array(column, field.type)
                for column, field in zip(make(first, last), schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def whole(self, table: str) -> pa.Table:
        """Return a whole table."""
        return pa.Table.from_batches(self.batches(table), SCHEMAS[table])

    def _snapshot_ids(self, count: int) -> pa.Array:
        return _coded(np.zeros(count, np.int32), [self.graph.header.snapshot_id])

    def _snapshots(self, first: int, last: int) -> list[Any]:
        header, graph = self.graph.header, self.graph
        return [
            [value]
            for value in (
                header.snapshot_id,
                header.process.instance_id,
                header.process.pid,
                header.process.host_name,
                header.capture_time.ToMicroseconds(),
                header.python_version,
                header.resident_bytes,
                graph.object_count,
                graph.edge_count,
                self.tree.total_size,
            )
        ]

    def _nodes(self, first: int, last: int) -> list[Any]:
        graph, tree, rows = self.graph, self.tree, slice(first, last)
        kinds = graph.type_indexes[rows].astype(np.int32)
        dominators = tree.immediate[rows]
        return [
            self._snapshot_ids(last - first),
            np.arange(first, last),
            graph.ids[rows].astype(np.int64),
            kinds,
            _coded(kinds, [type_name(each) for each in graph.types]),
            graph.sizes[rows].astype(np.int64),
            graph.extra_sizes[rows].astype(np.int64),
            tree.retained_sizes[rows].astype(np.int64),
            _nullable(dominators, dominators == graph.object_count),
            graph.flags[rows].astype(np.int32),
        ]

    def _edges(self, first: int, last: int) -> list[Any]:
        graph, rows = self.graph, slice(first, last)
        sources = np.searchsorted(graph.edge_starts, np.arange(first, last), side="right") - 1
        return [
            self._snapshot_ids(last - first),
            sources,
            graph.edge_targets[rows].astype(np.int64),
            _coded(graph.edge_kinds[rows].astype(np.int32), _KINDS),
            _coded(graph.edge_names[rows].astype(np.int32), list(graph.names)),
        ]

    def _types(self, first: int, last: int) -> list[Any]:
        graph = self.graph
        many = len(graph.types)
        counts = np.bincount(graph.type_indexes, minlength=many)
        own = (graph.sizes + graph.extra_sizes).astype(np.float64)
        sizes = np.bincount(graph.type_indexes, weights=own, minlength=many).astype(np.int64)
        rows = slice(first, last)
        return [
            [graph.header.snapshot_id] * (last - first),
            np.arange(first, last, dtype=np.int32),
            [type_name(each) for each in graph.types[rows]],
            [each.module for each in graph.types[rows]],
            counts[rows],
            sizes[rows],
            self.tree.retained_by_type[rows].astype(np.int64),
        ]

    def _paths(self, first: int, last: int) -> list[Any]:
        graph, rows = self.graph, slice(first, last)
        steps = self.paths.steps()
        edges = steps.edges[rows].astype(np.int64)
        is_root = steps.parents[rows] == np.arange(first, last)
        edges[is_root] = 0
        kinds, names = graph.edge_kinds[edges], graph.edge_names[edges]
        return [
            self._snapshot_ids(last - first),
            np.arange(first, last),
            _nullable(steps.parents[rows], is_root),
            steps.roots[rows].astype(np.int64),
            steps.distances[rows],
            _coded(kinds.astype(np.int32), _KINDS, is_root),
            _coded(names.astype(np.int32), list(graph.names), is_root),
        ]


def _coded(
    codes: NDArray[np.int32], values: list[str], missing: NDArray[np.bool_] | None = None
) -> pa.Array:
    indexes = pa.array(codes, pa.int32(), mask=missing)
    return pa.DictionaryArray.from_arrays(indexes, pa.array(values, pa.string()))


def _nullable(values: NDArray[Any], missing: NDArray[np.bool_]) -> pa.Array:
    return pa.array(values.astype(np.int64), pa.int64(), mask=missing)
