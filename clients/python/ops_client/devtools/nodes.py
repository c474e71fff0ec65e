"""The nodes of a ``.heapsnapshot`` file: names, ids, sizes, and their parents.

Node 0 is the root and node 1 "(GC roots)". Object ``i`` of the graph is node
``i + 2``. After the objects come further parts of objects whose size does not fit
into 32 bits.

``sys.modules`` and the threads are children of the root and not synthetic nodes, so
loaders count distances from them. All other objects that nothing holds are below
"(GC roots)", so everything is reachable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ops_client._path_words import root_node
from ops_client.devtools.layout import MAX_ID, MAX_SELF_SIZE, NODE_FIELDS, NodeType
from ops_client.devtools.strings import StringTable, node_name, value_name
from ops_client.errors import CorruptHeapGraphFile, UnsupportedHeapGraphFile
from ops_client.heap_graph.model import HeapGraph, type_name
from ops_client.heap_graph.roots import named_roots, other_roots
from ops_service.v1 import heap_graph_pb2 as pb

FIRST_OBJECT = 2
_ROOT_ID = 1
_GC_ROOTS_ID = 3

# 4 PiB in parts of 4 GiB: a file that needs more is damaged.
_MAX_PARTS = 1 << 20

_USER_ROOTS = (
    pb.HEAP_ROOT_KIND_MODULES,
    pb.HEAP_ROOT_KIND_THREAD,
    pb.HEAP_ROOT_KIND_OTHER_INTERPRETER,
)


@dataclass(frozen=True, slots=True)
class Nodes:
    """Columns of all nodes, and the extra edges that the graph does not have."""

    types: NDArray[np.uint8]
    names: NDArray[np.uint32]
    ids: NDArray[np.uint32]
    self_sizes: NDArray[np.uint32]
    edge_counts: NDArray[np.uint32]
    trace_ids: NDArray[np.uint32]
    user_roots: NDArray[np.uint32]
    """Objects below the root."""
    other_roots: NDArray[np.uint32]
    """Objects below "(GC roots)"."""
    part_owners: NDArray[np.uint32]
    """Object to which each further part belongs, ascending."""

    def __len__(self) -> int:
        return len(self.types)

    def rows(self, first: int, last: int) -> NDArray[np.uint32]:
        """Return nodes ``first`` to ``last`` in the format of the file."""
        rows: NDArray[np.uint32] = np.zeros((last - first, len(NODE_FIELDS)), np.uint32)
        columns: tuple[NDArray[np.unsignedinteger[Any]], ...] = (
            self.types,
            self.names,
            self.ids,
            self.self_sizes,
            self.edge_counts,
            self.trace_ids,
        )
        for place, column in enumerate(columns):
            rows[:, place] = column[first:last]
        return rows


def lay_out_nodes(graph: HeapGraph, strings: StringTable, trace_ids: NDArray[np.uint32]) -> Nodes:
    """Lay out the nodes of a graph.

    Args:
        trace_ids: For each object, the node of the trace tree that allocated it.

    Raises:
        CorruptHeapGraphFile: Its sizes exceed any memory.
        UnsupportedHeapGraphFile: The graph has more objects than the format can number.
    """
    objects = graph.object_count
    full_sizes = graph.sizes + graph.extra_sizes
    part_owners = _part_owners(full_sizes)
    count = FIRST_OBJECT + objects + len(part_owners)
    if count * len(NODE_FIELDS) > 2**32:
        raise UnsupportedHeapGraphFile("it has more objects than a .heapsnapshot can number.")

    # First by type, then each synthetic node by its meaning.
    type_strings = [strings.index(node_name(type_name(each))) for each in graph.types]
    synthetic = [each.kind == pb.HEAP_TYPE_KIND_SYNTHETIC for each in graph.types]
    object_types = np.where(
        np.array(synthetic, bool)[graph.type_indexes], NodeType.SYNTHETIC, NodeType.OBJECT
    ).astype(np.uint8)
    object_names = np.array(type_strings, np.uint32)[graph.type_indexes]
    for root in graph.roots:
        if root.kind in (*_USER_ROOTS, pb.HEAP_ROOT_KIND_FRAME):
            object_types[root.object_index] = NodeType.NATIVE
        object_names[root.object_index] = strings.index(root_node(root))

    _name_by_content(graph, strings, object_types, object_names)

    user_roots = named_roots(graph)
    held_otherwise = other_roots(graph)

    edge_counts = np.zeros(count, np.uint32)
    edge_counts[0] = 1 + len(user_roots)
    edge_counts[1] = len(held_otherwise)
    edge_counts[FIRST_OBJECT : FIRST_OBJECT + objects] = np.diff(graph.edge_starts)
    np.add.at(edge_counts, FIRST_OBJECT + part_owners.astype(np.int64), 1)

    ends = np.array([strings.index(""), strings.index("(GC roots)")], np.uint32)
    synthetic_ends = np.full(FIRST_OBJECT, NodeType.SYNTHETIC, np.uint8)
    return Nodes(
        types=np.concatenate([synthetic_ends, object_types, object_types[part_owners]]),
        names=np.concatenate([ends, object_names, object_names[part_owners]]),
        ids=_node_ids(graph.ids, len(part_owners)),
        self_sizes=_self_sizes(full_sizes, part_owners),
        edge_counts=edge_counts,
        trace_ids=np.concatenate(
            [np.zeros(FIRST_OBJECT, np.uint32), trace_ids, trace_ids[part_owners]]
        ),
        user_roots=user_roots,
        other_roots=held_otherwise,
        part_owners=part_owners,
    )


# Objects of these kinds appear as values; other objects keep their type.
_VALUE_TYPES = {
    pb.CONTENT_KIND_TEXT: NodeType.STRING,
    pb.CONTENT_KIND_BYTES: NodeType.STRING,
    pb.CONTENT_KIND_INT: NodeType.NUMBER,
    pb.CONTENT_KIND_FLOAT: NodeType.NUMBER,
}


def _name_by_content(
    graph: HeapGraph,
    strings: StringTable,
    object_types: NDArray[np.uint8],
    object_names: NDArray[np.uint32],
) -> None:
    contents = graph.contents
    for place, (index, kind) in enumerate(
        zip(contents.objects.tolist(), contents.kinds.tolist(), strict=True)
    ):
        if kind in _VALUE_TYPES:
            object_types[index] = _VALUE_TYPES[kind]
            object_names[index] = strings.index(value_name(contents.at(place).text()))


def _part_owners(full_sizes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    giants = np.flatnonzero(full_sizes > MAX_SELF_SIZE)
    parts = (full_sizes[giants] - np.uint64(1)) // np.uint64(MAX_SELF_SIZE)
    if (parts > _MAX_PARTS).any() or int(parts.sum()) > _MAX_PARTS:
        raise CorruptHeapGraphFile("its sizes exceed any memory.")
    return np.repeat(giants, parts.astype(np.int64)).astype(np.uint32)


def _self_sizes(
    full_sizes: NDArray[np.uint64], part_owners: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    objects = np.minimum(full_sizes, MAX_SELF_SIZE).astype(np.uint32)
    parts = np.full(len(part_owners), MAX_SELF_SIZE, np.uint32)
    # The last part of each owner has the remainder.
    is_last = np.append(part_owners[1:] != part_owners[:-1], True)[: len(part_owners)]
    remainder = (full_sizes[part_owners[is_last]] - np.uint64(1)) % np.uint64(MAX_SELF_SIZE)
    parts[is_last] = remainder + np.uint64(1)
    return np.concatenate([np.zeros(FIRST_OBJECT, np.uint32), objects, parts])


def _node_ids(ids: NDArray[np.uint32], part_count: int) -> NDArray[np.uint32]:
    """Return unique node ids from the graph's ids, which are stable between snapshots.

    Nodes without an own id get the highest free ids.
    """
    by_value = np.sort(ids)
    lacks_id = (ids == 0) | (ids == _ROOT_ID) | (ids == _GC_ROOTS_ID)
    if ((by_value[1:] == by_value[:-1]) & (by_value[1:] != 0)).any():
        _, first_places = np.unique(ids, return_index=True)
        repeats = np.ones(len(ids), bool)
        repeats[first_places] = False
        lacks_id |= repeats
    free = _free_ids(by_value, int(lacks_id.sum()) + part_count)
    own = ids.copy()
    own[lacks_id] = free[: len(free) - part_count]
    ends = np.array([_ROOT_ID, _GC_ROOTS_ID], np.uint32)
    return np.concatenate([ends, own, free[len(free) - part_count :]])


def _free_ids(used: NDArray[np.uint32], count: int) -> NDArray[np.uint32]:
    """Return the ``count`` highest odd 32-bit numbers that are not in ``used``.

    Args:
        used: Ascending, and not empty.
    """
    span = count
    while True:
        candidates: NDArray[np.uint32] = np.arange(
            MAX_ID, max(MAX_ID - 2 * span, _GC_ROOTS_ID), -2, dtype=np.int64
        ).astype(np.uint32)
        places = np.searchsorted(used, candidates)
        is_used = used[np.minimum(places, len(used) - 1)] == candidates
        free: NDArray[np.uint32] = candidates[~is_used]
        if len(free) >= count:
            return free[:count]
        span = max(2 * span, 1)
