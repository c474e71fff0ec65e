"""The tests' own decoder accepts what the contract says, and rejects what it forbids."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_service.v1 import heap_graph_pb2 as pb

from .decode import ELEMENT, INTERNAL, LOCAL, ROOT_EDGE, WEAK, BadGraph, Graph, decode
from .encode import Encoder, PlainEdge, identity_of, root_edges


@st.composite
def adjacencies(draw: st.DrawFn) -> tuple[list[list[PlainEdge]], int]:
    root_count = draw(st.integers(1, 3))
    size = draw(st.integers(root_count + 1, 30))
    nodes = st.integers(root_count, size - 1)
    names = st.sampled_from(["", "", "alpha", "beta", "gamma"])
    edges = st.tuples(nodes, st.integers(ELEMENT, INTERNAL), names)
    adjacency: list[list[PlainEdge]] = [
        root_edges(draw(st.lists(nodes, max_size=3))) for _ in range(root_count)
    ]
    adjacency += draw(st.lists(st.lists(edges, max_size=6), min_size=size, max_size=size))
    return adjacency[:size], root_count


@given(adjacencies(), st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_what_was_encoded_is_decoded(
    graph_and_roots: tuple[list[list[PlainEdge]], int], edges_per_batch: int
) -> None:
    adjacency, root_count = graph_and_roots
    encoder = Encoder(adjacency, root_count, edges_per_batch)
    graph = decode(encoder.encode())

    assert len(graph) == len(encoder.order)
    for index, node in enumerate(encoder.order):
        assert graph.ids[index] == identity_of(node, root_count)
        assert graph.sizes[index] == 16 * node
        assert (index in graph.roots) == (node < root_count)
        expected = numbered(adjacency[node])
        found = [(encoder.order[e.target], e.kind, e.label) for e in graph.edges[index]]
        assert found == expected
    assert sorted(encoder.order) == list(range(len(adjacency)))


def numbered(edges: list[PlainEdge]) -> list[tuple[int, int, str | int]]:
    numbers: Counter[int] = Counter()
    result: list[tuple[int, int, str | int]] = []
    for target, kind, name in edges:
        result.append((target, kind, name or numbers[kind]))
        numbers[kind] += not name
    return result


def valid_batch() -> pb.HeapGraphBatch:
    batch = pb.HeapGraphBatch(next_object_index=1)
    batch.types.add(qualified_name="<root>", kind=pb.HEAP_TYPE_KIND_SYNTHETIC)
    batch.types.add(qualified_name="list", kind=pb.HEAP_TYPE_KIND_PYTHON)
    batch.names.append("first")
    batch.roots.add(object_index=0, kind=pb.HEAP_ROOT_KIND_MODULES)
    batch.type_indexes.extend([0, 1])
    batch.sizes.extend([0, 56])
    batch.id_deltas.extend([0, 33])
    batch.flags.extend([4, 1])
    batch.edge_counts.extend([1, 1])
    batch.edge_targets.extend([0, 3])
    batch.edge_labels.extend([10, 1 << 4 | LOCAL])
    return batch


def read(*batches: pb.HeapGraphBatch) -> Graph:
    return decode(
        pb.CaptureHeapSnapshotResponse(batch=batch).SerializeToString() for batch in batches
    )


def test_a_small_graph_by_hand() -> None:
    graph = read(valid_batch())
    assert graph.type_name(1) == "list"
    assert graph.follow(1, LOCAL, "first") == 1
    assert graph.path(1) == [("<root>", 0)]
    assert graph.ids == [0, 33]


def test_late_edges_stand_at_their_places() -> None:
    batch = valid_batch()
    batch.late_edge_sources.extend([1, 0])
    batch.late_edge_targets.extend([0, 1])
    batch.late_edge_labels.extend([WEAK, ROOT_EDGE])
    batch.late_edge_places.extend([0, 1])
    graph = read(batch)
    assert graph.follow(1, WEAK, 0) == 0
    assert [edge.kind for edge in graph.edges[1]] == [WEAK, LOCAL]
    assert graph.follow(0, ROOT_EDGE, 1) == 1
    assert graph.parents == {1: 0}


def broken(**changes: list[int]) -> pb.HeapGraphBatch:
    batch = valid_batch()
    for name, values in changes.items():
        del getattr(batch, name)[:]
        getattr(batch, name).extend(values)
    return batch


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": [0]}, "another length"),
        ({"extra_sizes": [0]}, "another length"),
        ({"edge_labels": [10]}, "differ in length"),
        ({"type_indexes": [0, 2]}, "type was not introduced"),
        ({"id_deltas": [0, 32]}, "is even"),
        ({"id_deltas": [33, 0]}, "two objects have one id"),
        ({"id_deltas": [0, 1 << 33 | 1]}, "32 bits"),
        ({"edge_counts": [1, 2]}, "missing"),
        ({"edge_counts": [1, 0]}, "left over"),
        ({"edge_targets": [0, 5]}, "unknown object"),
        ({"edge_targets": [0, 8]}, "unknown object"),
        ({"edge_targets": [1, 1]}, "missing at the end"),
        ({"edge_labels": [10, 2 << 4 | LOCAL]}, "name was not introduced"),
        ({"edge_labels": [10, 0]}, "unknown kind"),
        ({"site_indexes": [0]}, "another length"),
        ({"site_indexes": [0, 1]}, "site was not introduced"),
        ({"late_edge_sources": [0]}, "late edge columns"),
        (
            {
                "late_edge_sources": [0],
                "late_edge_targets": [1],
                "late_edge_labels": [LOCAL],
                "late_edge_places": [2],
            },
            "behind its object",
        ),
    ],
)
def test_broken_promises_are_refused(changes: dict[str, list[int]], message: str) -> None:
    with pytest.raises(BadGraph, match=message):
        read(broken(**changes))


def test_a_gap_between_batches_is_refused() -> None:
    later = pb.HeapGraphBatch(first_object_index=3, next_object_index=2)
    with pytest.raises(BadGraph, match="wrong object"):
        read(valid_batch(), later)


def test_an_object_that_nothing_led_to_is_refused_unless_it_says_so() -> None:
    later = pb.HeapGraphBatch(first_object_index=2, next_object_index=2)
    later.type_indexes.append(1)
    later.sizes.append(56)
    later.id_deltas.append(65)
    later.flags.append(0)
    later.edge_counts.append(0)
    for flags in (0, 4, 16):
        later.flags[0] = flags
        with pytest.raises(BadGraph, match=r"missing at the end|is a root"):
            read(valid_batch(), later)
    later.flags[0] = 4 | 32
    assert len(read(valid_batch(), later)) == 3
