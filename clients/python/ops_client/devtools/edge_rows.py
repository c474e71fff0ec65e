"""The edges of a ``.heapsnapshot`` file, produced block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_client.devtools.layout import EDGE_FIELDS, NODE_FIELDS, EdgeType
from ops_client.devtools.nodes import FIRST_OBJECT, Nodes
from ops_client.devtools.strings import StringTable
from ops_client.heap_graph.model import HeapGraph
from ops_client.heap_graph.roots import FLAG_GARBAGE
from ops_service.v1 import heap_graph_pb2 as pb

# Per kind: the type of an edge with a name, the type of an edge without, and the word
# before the number of the latter. Loaders themselves number edges without a word.
_KINDS: dict[int, tuple[EdgeType, EdgeType, str]] = {
    pb.EDGE_KIND_ELEMENT: (EdgeType.PROPERTY, EdgeType.ELEMENT, ""),
    pb.EDGE_KIND_KEY: (EdgeType.INTERNAL, EdgeType.INTERNAL, "key"),
    pb.EDGE_KIND_VALUE: (EdgeType.PROPERTY, EdgeType.ELEMENT, ""),
    pb.EDGE_KIND_ATTRIBUTE: (EdgeType.PROPERTY, EdgeType.INTERNAL, "attribute"),
    pb.EDGE_KIND_SLOT: (EdgeType.PROPERTY, EdgeType.INTERNAL, "slot"),
    pb.EDGE_KIND_LOCAL: (EdgeType.CONTEXT, EdgeType.INTERNAL, "local"),
    pb.EDGE_KIND_CELL: (EdgeType.CONTEXT, EdgeType.INTERNAL, "cell"),
    pb.EDGE_KIND_INTERNAL: (EdgeType.INTERNAL, EdgeType.INTERNAL, "reference"),
    pb.EDGE_KIND_WEAK: (EdgeType.WEAK, EdgeType.WEAK, "weak"),
    pb.EDGE_KIND_ROOT: (EdgeType.INTERNAL, EdgeType.ELEMENT, ""),
}
# Kinds of a later release are assumed to keep their targets alive.
_UNKNOWN_KIND = (EdgeType.INTERNAL, EdgeType.INTERNAL, "reference")
_ALL_KINDS = [_KINDS.get(kind, _UNKNOWN_KIND) for kind in range(16)]

# Otherwise a dict with millions of entries would add millions of strings. Edges past
# this number have only their word.
_MAX_NUMBERED = 10_000


class EdgeRows:
    """Produces the rows of a file's edges, for any range of objects at a time."""

    def __init__(self, graph: HeapGraph, nodes: Nodes, strings: StringTable) -> None:
        self._graph = graph
        self._nodes = nodes
        self._named_types = np.array([named for named, _, _ in _ALL_KINDS], np.uint32)
        self._unnamed_types = np.array([unnamed for _, unnamed, _ in _ALL_KINDS], np.uint32)
        self._names = np.array([strings.index(name) for name in graph.names], np.uint32)
        self._part_name = strings.index("part")
        self._strings = strings
        self._shows_keys = len(graph.contents) > 0
        self._key_texts: dict[int, str | None] = {}
        self._garbage = strings.index("garbage")
        # Per word: index of the string for each number so far.
        self._numbered: dict[str, NDArray[np.uint32]] = {}

    def of_roots(self) -> NDArray[np.uint32]:
        """Return the edges of the root and of "(GC roots)"."""
        users, others = self._nodes.user_roots, self._nodes.other_roots
        rows = np.empty((1 + len(users) + len(others), len(EDGE_FIELDS)), np.uint32)
        rows[0] = EdgeType.ELEMENT, 1, len(NODE_FIELDS)
        middle = 1 + len(users)
        rows[1:middle, 0] = EdgeType.SHORTCUT
        rows[1:middle, 1] = self._nodes.names[users.astype(np.int64) + FIRST_OBJECT]
        rows[1:middle, 2] = _places(users)
        rows[middle:, 0] = EdgeType.ELEMENT
        rows[middle:, 1] = np.arange(len(others))
        rows[middle:, 2] = _places(others)
        # No edge reached garbage, so "(GC roots)" holds it.
        garbage = middle + np.flatnonzero(self._graph.flags[others] & np.uint32(FLAG_GARBAGE))
        rows[garbage, 0] = EdgeType.INTERNAL
        rows[garbage, 1] = self._garbage
        return rows

    def of_objects(self, first: int, last: int) -> NDArray[np.uint32]:
        """Return the edges of the objects ``first`` to ``last``."""
        starts = self._graph.edge_starts[first : last + 1]
        edges = slice(int(starts[0]), int(starts[-1]))
        kinds = self._graph.edge_kinds[edges]
        names = self._graph.edge_names[edges]
        rows = np.empty((len(kinds), len(EDGE_FIELDS)), np.uint32)
        rows[:, 0] = self._named_types[kinds]
        rows[:, 1] = self._names[names]
        rows[:, 2] = _places(self._graph.edge_targets[edges])

        unnamed = np.flatnonzero(names == 0)
        unnamed_kinds = kinds[unnamed]
        rows[unnamed, 0] = self._unnamed_types[unnamed_kinds]
        sources = np.repeat(np.arange(last - first), np.diff(starts))[unnamed]
        for kind in np.flatnonzero(np.bincount(unnamed_kinds, minlength=16)).tolist():
            chosen = np.flatnonzero(unnamed_kinds == kind)
            numbers = _numbers_within(sources[chosen])
            word = _ALL_KINDS[kind][2]
            rows[unnamed[chosen], 1] = self._numbered_names(word, numbers) if word else numbers
            if kind == pb.EDGE_KIND_VALUE and self._shows_keys:
                self._name_by_keys(rows, unnamed[chosen], edges.start)
        return self._with_parts(rows, first, last)

    def _numbered_names(self, word: str, numbers: NDArray[np.int64]) -> NDArray[np.uint32]:
        """Return strings of a word and each number; past the last number, only the word."""
        most = min(int(numbers.max()) + 1, _MAX_NUMBERED)
        known = self._numbered.get(word, np.empty(0, np.uint32))
        if len(known) < most:
            added = [self._strings.index(f"{word} {number}") for number in range(len(known), most)]
            known = self._numbered[word] = np.append(known, np.array(added, np.uint32))
        names = known[np.minimum(numbers, len(known) - 1)]
        if most == _MAX_NUMBERED:
            names[numbers >= most] = self._strings.index(word)
        return names

    def _name_by_keys(
        self, rows: NDArray[np.uint32], chosen: NDArray[np.int64], first_edge: int
    ) -> None:
        """Name edges to values by their keys, if the snapshot includes the keys."""
        for row in chosen.tolist():
            key = self._graph.key_of(first_edge + row)
            text = None if key is None else self._key_text(key)
            if text is not None:
                rows[row, 0] = EdgeType.PROPERTY
                rows[row, 1] = self._strings.index(text)

    def _key_text(self, key: int) -> str | None:
        if key not in self._key_texts:
            self._key_texts[key] = self._graph.content_text(key)
        return self._key_texts[key]

    def _with_parts(self, rows: NDArray[np.uint32], first: int, last: int) -> NDArray[np.uint32]:
        owners = self._nodes.part_owners
        from_part, to_part = np.searchsorted(owners, (first, last))
        if from_part == to_part:
            return rows
        added = np.empty((to_part - from_part, len(EDGE_FIELDS)), np.uint32)
        added[:, 0] = EdgeType.INTERNAL
        added[:, 1] = self._part_name
        added[:, 2] = _places(np.arange(from_part, to_part) + self._graph.object_count)
        starts = self._graph.edge_starts
        ends = starts[owners[from_part:to_part].astype(np.int64) + 1] - starts[first]
        return np.insert(rows, ends, added, axis=0)


def _places(objects: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return ``to_node`` for objects: where the fields of their nodes begin."""
    return (objects.astype(np.int64) + FIRST_OBJECT) * len(NODE_FIELDS)


def _numbers_within(sources: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, for ascending sources, how many earlier entries have the same source."""
    places = np.arange(len(sources))
    is_first = np.append(True, sources[1:] != sources[:-1])
    return places - np.maximum.accumulate(np.where(is_first, places, 0))
