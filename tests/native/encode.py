"""Writes a graph as the contract says, to test the decoder without an engine."""

from __future__ import annotations

from collections.abc import Sequence

from ops_service.v1 import heap_graph_pb2 as pb

from .decode import CYCLE, ROOT, ROOT_EDGE

PlainEdge = tuple[int, int, str]
"""Target, kind, name ("" for none)."""


class Encoder:
    """Numbers the objects of an adjacency list breadth first, and writes batches.

    Nodes that no root reaches come last, as objects that no edge found.

    Args:
        adjacency: The edges of each node.
        root_count: How many nodes, the first ones, are synthetic roots.
        edges_per_batch: The number of edges after which a batch ends, even in the
            middle of an object's edges.
    """

    def __init__(
        self, adjacency: Sequence[Sequence[PlainEdge]], root_count: int, edges_per_batch: int
    ) -> None:
        self.adjacency = adjacency
        self.root_count = root_count
        self.edges_per_batch = edges_per_batch
        self.index_of = {node: node for node in range(root_count)}
        self.order = list(range(root_count))
        self.names: dict[str, int] = {}
        self.types: dict[str, int] = {}
        self.messages: list[bytes] = []

    def encode(self) -> list[bytes]:
        self.position = 0
        self.seeds: set[int] = set()
        self._begin()
        self._drain()
        for node in range(len(self.adjacency)):
            if node not in self.index_of:
                self.index_of[node] = len(self.order)
                self.order.append(node)
                self.seeds.add(node)
                self._drain()
        self._flush()
        return self.messages

    def _drain(self) -> None:
        while self.position < len(self.order):
            node = self.order[self.position]
            self._object(self.position, node)
            self.position += 1
            for edge in self.adjacency[node]:
                if len(self.batch.edge_targets) >= self.edges_per_batch:
                    self._flush()
                    self._begin()
                self._edge(edge)
            if len(self.batch.edge_targets) >= self.edges_per_batch:
                self._flush()
                self._begin()

    def _begin(self) -> None:
        self.batch = pb.HeapGraphBatch(
            first_object_index=self.position, next_object_index=len(self.order)
        )
        self.last_id = 0

    def _flush(self) -> None:
        self.messages.append(pb.CaptureHeapSnapshotResponse(batch=self.batch).SerializeToString())

    def _object(self, position: int, node: int) -> None:
        batch = self.batch
        name = f"t{node % 3}" if node >= self.root_count else "<root>"
        if name not in self.types:
            self.types[name] = len(self.types)
            kind = pb.HEAP_TYPE_KIND_PYTHON if name[0] == "t" else pb.HEAP_TYPE_KIND_SYNTHETIC
            batch.types.add(module="m", qualified_name=name, kind=kind)
        batch.type_indexes.append(self.types[name])
        batch.sizes.append(16 * node)
        identity = identity_of(node, self.root_count)
        batch.id_deltas.append(identity - self.last_id)
        self.last_id = identity
        flags = ROOT if node < self.root_count else 0
        batch.flags.append(ROOT | CYCLE if node in self.seeds else flags)
        batch.edge_counts.append(0)
        if node < self.root_count:
            batch.roots.add(object_index=position, kind=pb.HEAP_ROOT_KIND_MODULES)

    def _edge(self, edge: PlainEdge) -> None:
        target, kind, name = edge
        batch = self.batch
        if name and name not in self.names:
            self.names[name] = len(self.names) + 1
            batch.names.append(name)
        if target not in self.index_of:
            batch.edge_targets.append(0)
            self.index_of[target] = len(self.order)
            self.order.append(target)
        elif (self.index_of[target] + len(self.order)) % 2:
            # The decoder must read both ways to name a known object.
            batch.edge_targets.append(self.index_of[target] << 1 | 1)
        else:
            batch.edge_targets.append((len(self.order) - self.index_of[target]) << 1)
        batch.edge_labels.append(self.names.get(name, 0) << 4 | kind)
        if batch.edge_counts:
            batch.edge_counts[-1] += 1
        else:
            batch.continued_edge_count += 1


def identity_of(node: int, root_count: int) -> int:
    # Not in the order of the walk, so that differences of both signs occur.
    return 0 if node < root_count else ((node * 7919) % 65537) << 1 | 1


def root_edges(targets: Sequence[int]) -> list[PlainEdge]:
    return [(target, ROOT_EDGE, "") for target in targets]
