"""Random heap graphs for hypothesis."""

from __future__ import annotations

from graph_writer import Graph, Node
from hypothesis import strategies as st

from ops_service.v1 import heap_graph_pb2 as pb

EDGE_KINDS = [value for value in pb.EdgeKind.values() if value != pb.EDGE_KIND_UNSPECIFIED]

# NUL to the last code point, without surrogates: any name that code can write.
names = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


contents = st.tuples(
    st.sampled_from([pb.CONTENT_KIND_TEXT, pb.CONTENT_KIND_BYTES, pb.CONTENT_KIND_INT]),
    st.integers(0, 2**64 - 1),
    st.binary(max_size=8),
)
"""Kind, length and bytes. They may contradict what the kind promises."""


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A graph in which every object is flagged as a root or found by an edge."""
    type_count = draw(st.integers(1, 4))
    name_list = draw(st.lists(names, max_size=4))
    count = draw(st.integers(1, 24))
    odd_ids = st.integers(1, 2**31 - 1).map(lambda number: number * 2 + 1)
    ids = draw(st.lists(odd_ids, min_size=count, max_size=count, unique=True))
    nodes = [
        Node(
            type_index=draw(st.integers(0, type_count - 1)),
            size=draw(st.one_of(st.integers(0, 300), st.integers(0, 2**40))),
            id=ids[index] if draw(st.booleans()) else 0,
            flags=draw(st.integers(0, 15)),
            extra_size=draw(st.sampled_from([0, 0, 16, 2**32 - 1])),
        )
        for index in range(count)
    ]
    for node in nodes:
        node.content = draw(st.none() | contents)
        node.hash = draw(st.none() | st.integers(0, 2**64 - 1))
    # Breadth-first order: each object is found by an earlier one, or is a root.
    finder = 0
    for index, node in enumerate(nodes):
        if index == 0 or draw(st.booleans()):
            node.flags |= 4
        else:
            finder = draw(st.integers(finder, index - 1))
            nodes[finder].edges.append((index, *draw(_labels(len(name_list)))))
    for node in nodes:
        for target in draw(st.lists(st.integers(0, count - 1), max_size=4)):
            place = draw(st.integers(0, len(node.edges)))
            node.edges.insert(place, (target, *draw(_labels(len(name_list)))))
    roots = [
        pb.HeapRoot(
            object_index=index,
            kind=draw(st.sampled_from(pb.HeapRootKind.values())),
            name=draw(names),
            thread_id=draw(st.integers(0, 2**64 - 1)),
        )
        for index, node in enumerate(nodes)
        if node.id == 0 and draw(st.booleans())
    ]
    types = [
        pb.HeapType(
            module=draw(names),
            qualified_name=draw(names),
            kind=pb.HEAP_TYPE_KIND_PYTHON,
            type_id=draw(st.integers(0, 2**32 - 1)),
        )
        for _ in range(type_count)
    ]
    return Graph(types, name_list, nodes, roots)


def _labels(name_count: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.sampled_from(EDGE_KINDS), st.integers(0, name_count))
