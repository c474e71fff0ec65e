"""Reads the messages of a snapshot into plain lists, for tests.

Written from the contract alone. It shares nothing with the client's reader, so an
error of either appears as a disagreement. It checks the promises of the contract and
raises ``BadGraph`` at the first broken promise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ops_service.v1 import heap_graph_pb2 as pb

TRACKED = 1
IMMORTAL = 2
ROOT = 4
ESTIMATED = 8
CYCLE = 32
OWN = 64

ELEMENT = pb.EDGE_KIND_ELEMENT
KEY = pb.EDGE_KIND_KEY
VALUE = pb.EDGE_KIND_VALUE
ATTRIBUTE = pb.EDGE_KIND_ATTRIBUTE
SLOT = pb.EDGE_KIND_SLOT
LOCAL = pb.EDGE_KIND_LOCAL
CELL = pb.EDGE_KIND_CELL
INTERNAL = pb.EDGE_KIND_INTERNAL
WEAK = pb.EDGE_KIND_WEAK
ROOT_EDGE = pb.EDGE_KIND_ROOT


class BadGraph(Exception):
    """The messages break a promise of the contract."""


def expect(condition: bool, message: str) -> None:
    if not condition:
        raise BadGraph(message)


@dataclass(frozen=True, slots=True)
class Edge:
    """One reference. ``label`` is the name, or the number among edges of its kind."""

    target: int
    kind: int
    label: str | int


@dataclass(frozen=True, slots=True)
class Content:
    """An object's content: a ContentKind, its whole length, and some of its bytes."""

    kind: int
    length: int
    data: bytes


@dataclass
class Graph:
    """A whole snapshot. The position in each list is the index of the object."""

    types: list[pb.HeapType] = field(default_factory=list)
    names: list[str] = field(default_factory=lambda: [""])
    roots: dict[int, pb.HeapRoot] = field(default_factory=dict)
    allocation_sites: list[pb.AllocationSite] = field(default_factory=list)
    type_indexes: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    extra_sizes: list[int] = field(default_factory=list)
    site_indexes: list[int] = field(default_factory=list)
    edges: list[list[Edge]] = field(default_factory=list)
    contents: dict[int, Content] = field(default_factory=dict)
    hashes: dict[int, int] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)
    """The object whose edge found each object first."""

    def __len__(self) -> int:
        return len(self.type_indexes)

    @property
    def edge_count(self) -> int:
        return sum(map(len, self.edges))

    def type_name(self, index: int) -> str:
        row = self.types[self.type_indexes[index]]
        return f"{row.module}.{row.qualified_name}" if row.module else row.qualified_name

    def of_type(self, name: str) -> list[int]:
        """Indexes of all objects of the type with this name."""
        rows = {
            number
            for number, row in enumerate(self.types)
            if name in (row.qualified_name, f"{row.module}.{row.qualified_name}")
        }
        return [index for index, row in enumerate(self.type_indexes) if row in rows]

    def only(self, name: str) -> int:
        """Index of the only object of the type with this name."""
        found = self.of_type(name)
        assert len(found) == 1, f"{len(found)} objects of type {name}"
        return found[0]

    def targets(self, index: int, kind: int) -> list[int]:
        return [edge.target for edge in self.edges[index] if edge.kind == kind]

    def follow(self, index: int, kind: int, label: str | int) -> int:
        """Target of the one edge with this kind and label."""
        found = [
            edge.target for edge in self.edges[index] if edge.kind == kind and edge.label == label
        ]
        assert len(found) == 1, (
            f"{len(found)} edges {pb.EdgeKind.Name(kind)} {label!r} of a {self.type_name(index)}, "
            f"which has {self.labels(index)}"
        )
        return found[0]

    def labels(self, index: int) -> list[tuple[str, str | int]]:
        """Kind and label of each edge, for messages of failed tests."""
        return [
            (pb.EdgeKind.Name(edge.kind).removeprefix("EDGE_KIND_"), edge.label)
            for edge in self.edges[index]
        ]

    def path(self, index: int) -> list[tuple[str, str | int]]:
        """The path by which the walk found an object: each step's type and edge label."""
        steps: list[tuple[str, str | int]] = []
        while index in self.parents:
            parent = self.parents[index]
            edge = next(edge for edge in self.edges[parent] if edge.target == index)
            steps.append((self.type_name(parent), edge.label))
            index = parent
        return steps[::-1]


def decode(messages: Iterable[bytes]) -> Graph:
    """Read the batches of a snapshot. Header and trailer are skipped."""
    graph = Graph()
    state = _Reader(graph)
    for message in messages:
        part = pb.CaptureHeapSnapshotResponse.FromString(message)
        if part.WhichOneof("part") == "batch":
            state.read(part.batch)
    state.finish()
    return graph


class _Reader:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.next_index = 0
        self.numbers: Counter[int] = Counter()
        # Roots get their index without an edge, so they leave a gap.
        self.announced: set[int] = set()
        self.named: list[tuple[int, int, int]] = []
        self.late: dict[int, list[tuple[int, int, int]]] = {}

    def read(self, batch: pb.HeapGraphBatch) -> None:
        graph = self.graph
        expect(batch.first_object_index == len(graph), "a batch begins at a wrong object")
        expect(batch.next_object_index >= self.next_index, "indexes were given out twice")
        self.announced.update(range(self.next_index, batch.next_object_index))
        self.next_index = batch.next_object_index
        graph.types.extend(batch.types)
        graph.names.extend(batch.names)
        graph.allocation_sites.extend(batch.allocation_sites)
        for root in batch.roots:
            expect(root.object_index not in graph.roots, "a root stands twice")
            graph.roots[root.object_index] = root
        self._read_objects(batch)
        self._read_edges(batch)
        self._read_late_edges(batch)
        self._read_contents(batch)
        self.named.extend(
            zip(
                batch.named_entry_objects,
                batch.named_entry_numbers,
                batch.named_entry_names,
                strict=True,
            )
        )

    def _read_objects(self, batch: pb.HeapGraphBatch) -> None:
        graph = self.graph
        count = len(batch.type_indexes)
        for column in ("sizes", "id_deltas", "flags", "edge_counts"):
            expect(len(getattr(batch, column)) == count, f"column {column} has another length")
        for column in ("extra_sizes", "site_indexes"):
            expect(len(getattr(batch, column)) in (0, count), f"column {column} has another length")
        expect(len(batch.edge_labels) == len(batch.edge_targets), "edge columns differ in length")
        if count:
            expect(max(batch.type_indexes) < len(graph.types), "a type was not introduced")
        graph.type_indexes.extend(batch.type_indexes)
        graph.sizes.extend(batch.sizes)
        graph.flags.extend(batch.flags)
        graph.extra_sizes.extend(batch.extra_sizes or [0] * count)
        graph.site_indexes.extend(batch.site_indexes or [0] * count)
        sites = max(batch.site_indexes, default=0)
        expect(sites <= len(graph.allocation_sites), "a site was not introduced")
        identity = 0
        for delta in batch.id_deltas:
            identity += delta
            expect(0 <= identity < 1 << 32, "an id does not fit 32 bits")
            expect(identity == 0 or identity & 1 == 1, "an id is even")
            graph.ids.append(identity)

    def _read_edges(self, batch: pb.HeapGraphBatch) -> None:
        edges = self._edges(batch)
        if batch.continued_edge_count:
            expect(bool(self.graph.edges), "edges continue an object that is not there")
            for _ in range(batch.continued_edge_count):
                self._add_edge(batch.first_object_index - 1, next(edges, None))
        for offset, count in enumerate(batch.edge_counts):
            index = batch.first_object_index + offset
            if self.graph.flags[index] & CYCLE:
                expect(index == self.next_index, "an object that no edge found is out of turn")
                self.next_index += 1
            self.numbers.clear()
            self.graph.edges.append([])
            for _ in range(count):
                self._add_edge(index, next(edges, None))
        expect(next(edges, None) is None, "edges are left over")

    def _edges(self, batch: pb.HeapGraphBatch) -> Iterator[tuple[int, bool, int]]:
        for code, label in zip(batch.edge_targets, batch.edge_labels, strict=True):
            if code == 0:
                yield self.next_index, True, label
            elif code & 1:
                yield code >> 1, False, label
            else:
                yield self.next_index - (code >> 1), False, label

    def _read_late_edges(self, batch: pb.HeapGraphBatch) -> None:
        sources, targets = batch.late_edge_sources, batch.late_edge_targets
        labels = batch.late_edge_labels
        places = batch.late_edge_places
        expect(
            len(sources) == len(targets) == len(labels) == len(places),
            "late edge columns differ in length",
        )
        for source, target, label, place in zip(sources, targets, labels, places, strict=True):
            expect(source < len(self.graph), "a late edge begins at an unknown object")
            expect(target < self.next_index, "a late edge leads to an unknown object")
            expect(0 < label & 15 <= ROOT_EDGE, "an edge has an unknown kind")
            expect(label >> 4 < len(self.graph.names), "a name was not introduced")
            expect(place <= len(self.graph.edges[source]), "a late edge stands behind its object")
            self.late.setdefault(source, []).append((place, target, label))

    def _read_contents(self, batch: pb.HeapGraphBatch) -> None:
        graph = self.graph
        columns = (batch.content_kinds, batch.content_lengths, batch.content_sizes)
        index, start = batch.first_object_index, 0
        for delta, kind, length, size in zip(batch.content_object_deltas, *columns, strict=True):
            index += delta
            expect(0 <= index < len(graph), "a content belongs to an unknown object")
            expect(index not in graph.contents, "an object has two contents")
            graph.contents[index] = Content(kind, length, batch.contents[start : start + size])
            start += size
        expect(start == len(batch.contents), "contents are left over")
        index = batch.first_object_index
        for delta, hashed in zip(batch.hash_object_deltas, batch.hashes, strict=True):
            index += delta
            expect(0 <= index < len(graph), "a hash belongs to an unknown object")
            expect(index not in graph.hashes, "an object has two hashes")
            graph.hashes[index] = hashed

    def _insert_late_edges(self) -> None:
        """Number the edges of these objects again, with each late edge in its place."""
        for source, late in self.late.items():
            edges: list[Edge] = self.graph.edges[source]
            plain = [(e.target, e.kind, e.label if isinstance(e.label, str) else "") for e in edges]
            for before, (place, target, label) in enumerate(late):
                plain.insert(place + before, (target, label & 15, self.graph.names[label >> 4]))
            self.numbers.clear()
            edges.clear()
            for target, kind, name in plain:
                self._add(source, target, kind, name)

    def _name_entries(self) -> None:
        for source, number, name in self.named:
            expect(0 < name < len(self.graph.names), "a name was not introduced")
            expect(source < len(self.graph), "an entry of an unknown object is named")
            edges = self.graph.edges[source]
            expect(2 * number + 1 < len(edges), "an entry that is not there is named")
            key, value = edges[2 * number : 2 * number + 2]
            expect((key.kind, value.kind) == (KEY, VALUE), "what is named is no entry")
            edges[2 * number + 1] = Edge(value.target, ATTRIBUTE, self.graph.names[name])

    def _add_edge(self, source: int, edge: tuple[int, bool, int] | None) -> None:
        expect(edge is not None, "edges are missing")
        assert edge is not None
        target, found_first, label = edge
        self.next_index += found_first
        expect(0 <= target < self.next_index, "an edge leads to an unknown object")
        self._append(source, target, label)
        if found_first:
            self.graph.parents[target] = source

    def _append(self, source: int, target: int, label: int) -> None:
        kind, name = label & 15, label >> 4
        expect(0 < kind <= ROOT_EDGE, "an edge has an unknown kind")
        expect(name < len(self.graph.names), "a name was not introduced")
        self._add(source, target, kind, self.graph.names[name])

    def _add(self, source: int, target: int, kind: int, name: str) -> None:
        if name:
            self.graph.edges[source].append(Edge(target, kind, name))
        else:
            self.graph.edges[source].append(Edge(target, kind, self.numbers[kind]))
            self.numbers[kind] += 1

    def finish(self) -> None:
        graph = self.graph
        self._insert_late_edges()
        self._name_entries()
        expect(len(graph) == self.next_index, "objects are missing at the end")
        for index, flags in enumerate(graph.flags):
            expect(flags < 128 and not flags & 16, "an unknown flag")
            found = index in graph.parents
            expect(found != bool(flags & ROOT), f"object {index} is a root or found by an edge")
            unreached = bool(flags & CYCLE)
            expect(
                bool(flags & ROOT) == (index in self.announced or unreached),
                f"object {index} is a root of no kind",
            )
        for index, root in graph.roots.items():
            expect(0 <= index < len(graph), "a root is no object")
            expect(
                graph.types[graph.type_indexes[index]].kind == pb.HEAP_TYPE_KIND_SYNTHETIC,
                "a root is a Python object",
            )
            expect(root.kind != pb.HEAP_ROOT_KIND_UNSPECIFIED, "a root has no kind")
        taken = [identity for identity in graph.ids if identity]
        expect(len(taken) == len(set(taken)), "two objects have one id")
