"""Why an object is alive: named paths from a root to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_client._path_words import (
    ARROW,
    FOLDED,
    MODULES,
    path_start,
    root_label,
    unnamed_start,
)
from ops_client.heap_graph import _algorithms
from ops_client.heap_graph.model import HeapGraph, type_name
from ops_client.heap_graph.roots import FLAG_GARBAGE, root_groups
from ops_service.v1 import heap_graph_pb2 as pb

_NO_EDGE = 2**32 - 1

_ITEMS = (pb.EDGE_KIND_ELEMENT, pb.EDGE_KIND_KEY, pb.EDGE_KIND_VALUE)
# Types whose parts say little unless the path names the type.
_OPAQUE = ("frame", "function", "coroutine", "generator", "async_generator")


@dataclass(frozen=True, slots=True)
class Path:
    """A path from a root to an object. Each object but the first has an edge to it."""

    objects: tuple[int, ...]
    """Indexes of the objects, the root first."""
    edges: tuple[int, ...]
    """Indexes of the edges between them: one fewer."""

    @property
    def target(self) -> int:
        """The object at the end of the path."""
        return self.objects[-1]


@dataclass(frozen=True, slots=True)
class Steps:
    """The last step of the shortest path to each object. Arrays have one entry per object."""

    edges: NDArray[np.uint32]
    """Edge of that step; meaningless for roots and for unreachable objects."""
    parents: NDArray[np.int64]
    """Object where the step begins; the object itself if there is no step."""
    roots: NDArray[np.int64]
    """Object where the path begins."""
    distances: NDArray[np.int32]
    """Number of steps from there."""


class PathFinder:
    """Finds shortest paths in one graph.

    Paths from ``sys.modules`` and the stacks of threads are preferred to all others;
    paths from ``ops_service`` itself come last. Creating a finder costs 0.3 to 1.5 s and
    8 bytes per object for ten million objects; a path then costs microseconds.
    """

    def __init__(self, graph: HeapGraph) -> None:
        self._graph = graph
        groups = root_groups(graph)
        ends = np.cumsum([len(group) for group in groups]).astype(np.uint64)
        self._parent_edges: NDArray[np.uint32] = np.empty(graph.object_count, np.uint32)
        _algorithms.find_paths(
            graph.edge_starts,
            graph.edge_targets,
            graph.edge_kinds,
            np.concatenate(groups),
            ends,
            self._parent_edges,
        )
        self._roots = {root.object_index: root for root in graph.roots}
        self._type_names = [type_name(each) for each in graph.types]
        self._folded: dict[int, str] = {}
        self._classes = {each.type_id: type_name(each) for each in graph.types if each.type_id}

    def to(self, target: int) -> Path:
        """Return the shortest path to an object."""
        objects, edges = [target], []
        while (edge := int(self._parent_edges[objects[-1]])) != _NO_EDGE:
            edges.append(edge)
            objects.append(self._source_of(edge))
        return Path(tuple(reversed(objects)), tuple(reversed(edges)))

    def steps(self) -> Steps:
        """Return the shortest paths to all objects. Costs 2 s for ten million objects."""
        objects = np.arange(self._graph.object_count)
        is_found = self._parent_edges != _NO_EDGE
        sources = np.searchsorted(self._graph.edge_starts, self._parent_edges, side="right") - 1
        parents: NDArray[np.int64] = np.where(is_found, sources, objects)
        # Steps double in length until all reach their roots.
        roots, distances = parents, is_found.astype(np.int32)
        while not np.array_equal(further := roots[roots], roots):
            distances += distances[roots]
            roots = further
        return Steps(self._parent_edges, parents, roots, distances)

    def alternatives(self, target: int) -> Iterator[Path]:
        """Yield one path for each object that refers to an object, shortest first.

        Leaves out referrers that only the object itself keeps alive, and weak
        references, which keep nothing alive. Scans all edges.
        """
        graph = self._graph
        leads = (graph.edge_targets == target) & (graph.edge_kinds != pb.EDGE_KIND_WEAK)
        found: dict[int, Path] = {}
        for edge in np.flatnonzero(leads).tolist():
            source = self._source_of(edge)
            path = self.to(source)
            if source not in found and target not in path.objects:
                found[source] = Path((*path.objects, target), (*path.edges, edge))
        shortest = self.to(target)
        if len(shortest.objects) == 1 or not found:
            yield shortest
        yield from sorted(found.values(), key=lambda path: len(path.objects))

    def text(self, path: Path, *, folded: bool = False) -> str:
        """Return a path in the form of code: ``shop.sessions.REGISTRY['ann'].items[3]``.

        Args:
            folded: Write all elements and keys of containers alike, so that objects held
                in the same way have the same text.
        """
        text = self._root_text(path.objects[0])
        for position, edge in enumerate(path.edges):
            ends = path.objects[position : position + 2]
            text += self._step(edge, ends[0], ends[1], not text, folded=folded)
        return f"{text or MODULES} ({self.label(path.target)})"

    def label(self, target: int) -> str:
        """Return an object's type, a class's name, or the meaning of a synthetic node."""
        root = self._roots.get(target)
        if root is None:
            name = self._classes.get(int(self._graph.ids[target]))
            return f"class {name}" if name else self._type_names[self._graph.type_indexes[target]]
        return root_label(root)

    def holders(self, targets: NDArray[np.integer[Any]]) -> list[tuple[str, int, int]]:
        """Return folded paths to objects: text, number of objects, and one example.

        Most frequent first.
        """
        counts: Counter[str] = Counter()
        examples: dict[str, int] = {}
        for target in targets.tolist():
            text = f"{self._folded_text(target)} ({self.label(target)})"
            counts[text] += 1
            examples.setdefault(text, target)
        return [(text, count, examples[text]) for text, count in counts.most_common()]

    def _folded_text(self, target: int) -> str:
        """Return the folded path to an object. Caches the paths to the objects above it."""
        steps = []
        while (known := self._folded.get(target)) is None:
            edge = int(self._parent_edges[target])
            if edge == _NO_EDGE:
                known = self._folded[target] = self._root_text(target)
                break
            steps.append((edge, target))
            target = self._source_of(edge)
        text, source = known, target
        for edge, target in reversed(steps):
            text += self._step(edge, source, target, not text, folded=True)
            source = target
            if (edge, target) != steps[0]:
                self._folded[target] = text
        return text or MODULES

    def _source_of(self, edge: int) -> int:
        return int(np.searchsorted(self._graph.edge_starts, edge, side="right")) - 1

    def _root_text(self, first: int) -> str:
        root = self._roots.get(first)
        if root is not None:
            return path_start(root)
        is_garbage = bool(int(self._graph.flags[first]) & FLAG_GARBAGE)
        return unnamed_start(self.label(first), is_garbage=is_garbage)

    def _step(self, edge: int, source: int, target: int, first: bool, *, folded: bool) -> str:
        graph = self._graph
        kind, name = int(graph.edge_kinds[edge]), graph.names[graph.edge_names[edge]]
        source_type = self._type_names[graph.type_indexes[source]]
        if kind == pb.EDGE_KIND_ROOT:
            if target in self._roots:
                return f"{ARROW}{self._roots[target].name or name}()"
            return (name or self.label(target)) if first else f"{ARROW}{name or self.label(target)}"
        if name == "__dict__":
            return ""
        if name:
            return f" {name}" if source_type in _OPAQUE else f".{name}"
        if kind in _ITEMS:
            return FOLDED if folded else self._item(edge, kind, source)
        return f"{ARROW}{self.label(target)}"

    def _item(self, edge: int, kind: int, source: int) -> str:
        graph = self._graph
        if kind == pb.EDGE_KIND_ELEMENT:
            if graph.trailer.HasField("cut"):
                # Elements before it may be left out.
                return FOLDED
            first = int(graph.edge_starts[source])
            before = graph.edge_kinds[first:edge] == kind
            number = int((before & (graph.edge_names[first:edge] == 0)).sum())
            return f"[{number}]"
        key = graph.key_of(edge) if kind == pb.EDGE_KIND_VALUE else None
        text = None if key is None else graph.content_text(key)
        return FOLDED if key is None or text is None else f"[{self._literal(key, text)}]"

    def _literal(self, key: int, text: str) -> str:
        content = self._graph.contents.of(key)
        return text if content is None else content.literal()
