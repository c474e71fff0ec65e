"""Dominators, retained sizes and paths, against a reference that anybody can check.

The reference removes an object and looks for objects that become unreachable. It is
quadratic, shares nothing with the code under test, and decides.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from graph_strategies import graphs
from graph_writer import Graph, Node, file_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops_client._wire import WireError
from ops_client.devtools import write_heapsnapshot
from ops_client.errors import CorruptHeapGraphFile
from ops_client.heap_graph import HeapGraph, _native, _python, find_dominators, read_heap_graph
from ops_client.heap_graph.columns import decode_varints, decode_varints_in_python, decode_zigzag
from ops_client.heap_graph.filling import resolve_ids, resolve_targets
from ops_client.heap_graph.roots import all_roots, root_groups
from ops_service.v1 import heap_graph_pb2 as pb

in_one_directory = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
implementations = pytest.mark.parametrize("code", [_native, _python], ids=["native", "python"])

Tree = list[set[int]]


def read(directory: Path, graph: Graph) -> HeapGraph:
    path = directory / "some.heapgraph"
    path.write_bytes(file_bytes(graph))
    return read_heap_graph(path)


def reachable(graph: HeapGraph, roots: Iterable[int], without: int = -1) -> set[int]:
    """The objects that strong edges reach."""
    found = {root for root in roots if root != without}
    waiting = list(found)
    while waiting:
        each = waiting.pop()
        for edge in range(graph.edge_starts[each], graph.edge_starts[each + 1]):
            target = int(graph.edge_targets[edge])
            is_weak = graph.edge_kinds[edge] == pb.EDGE_KIND_WEAK
            if not is_weak and target not in found and target != without:
                found.add(target)
                waiting.append(target)
    return found


def complete(graph: HeapGraph, roots: Iterable[int]) -> list[int]:
    """Roots, then repeatedly the lowest unreached object, until everything is reached."""
    chosen = list(roots)
    for each in range(graph.object_count):
        if each not in reachable(graph, chosen):
            chosen.append(each)
    return chosen


def dominated_sets(graph: HeapGraph) -> Tree:
    """For each object, the objects that are unreachable without it, itself included."""
    roots = complete(graph, all_roots(graph).tolist())
    everything = set(range(graph.object_count))
    return [everything - reachable(graph, roots, without=each) for each in everything]


def immediate_of(tree: Tree, each: int) -> int:
    """The closest dominator: the one that dominates least."""
    above = [other for other in range(len(tree)) if other != each and each in tree[other]]
    return min(above, key=lambda other: len(tree[other]), default=len(tree))


@implementations
@in_one_directory
@given(graph=graphs())
def test_dominators_and_sizes_are_those_of_the_reference(
    tmp_path: Path, code: ModuleType, graph: Graph
) -> None:
    heap = read(tmp_path, graph)
    count = heap.object_count
    immediate, order = np.empty(count, np.uint32), np.empty(count, np.uint32)
    retained = heap.sizes + heap.extra_sizes
    by_type = np.zeros(len(heap.types), np.uint64)

    columns = heap.edge_starts, heap.edge_targets, heap.edge_kinds
    code.dominate(*columns, all_roots(heap), immediate, order)
    code.retain(immediate, order, retained)
    code.retain_by_type(immediate, order, retained, heap.type_indexes, by_type)

    tree = dominated_sets(heap)
    own = (heap.sizes + heap.extra_sizes).tolist()
    assert immediate.tolist() == [immediate_of(tree, each) for each in range(count)]
    assert retained.tolist() == [sum(own[each] for each in below) for below in tree]
    place = {each: position for position, each in enumerate(order.tolist())}
    assert len(place) == count
    assert all(
        above == count or place[above] < place[each]
        for each, above in enumerate(immediate.tolist())
    )
    for kind in range(len(heap.types)):
        held: set[int] = set()
        for each in np.flatnonzero(heap.type_indexes == kind).tolist():
            held |= tree[each]
        assert by_type[kind] == sum(own[each] for each in held)


@in_one_directory
@given(graphs())
def test_the_tree_of_a_graph_adds_up(tmp_path: Path, graph: Graph) -> None:
    heap = read(tmp_path, graph)

    tree = find_dominators(heap)

    assert tree.total_size == sum(node.size + node.extra_size for node in graph.nodes)
    for each in range(heap.object_count):
        below = tree.children(each)
        own = heap.sizes[each] + heap.extra_sizes[each]
        assert tree.retained_sizes[each] == own + tree.retained_sizes[below].sum()


@implementations
@in_one_directory
@given(graph=graphs())
def test_paths_are_shortest(tmp_path: Path, code: ModuleType, graph: Graph) -> None:
    heap = read(tmp_path, graph)
    groups = root_groups(heap)
    parents = np.empty(heap.object_count, np.uint32)

    columns = heap.edge_starts, heap.edge_targets, heap.edge_kinds
    ends = np.cumsum([len(group) for group in groups]).astype(np.uint64)
    code.find_paths(*columns, np.concatenate(groups), ends, parents)

    sources = heap.edge_sources()
    done: set[int] = set()
    for group in groups:
        level = set(group.tolist()) - done
        distance = 0
        while level:
            for each in level:
                length, at = 0, each
                while parents[at] != 2**32 - 1:
                    edge = int(parents[at])
                    assert heap.edge_targets[edge] == at
                    assert heap.edge_kinds[edge] != pb.EDGE_KIND_WEAK
                    at, length = int(sources[edge]), length + 1
                assert at in group
                assert length == distance
            done |= level
            level = {
                int(heap.edge_targets[edge])
                for each in level
                for edge in range(heap.edge_starts[each], heap.edge_starts[each + 1])
                if heap.edge_kinds[edge] != pb.EDGE_KIND_WEAK
            } - done
            distance += 1
    assert all(parents[each] == 2**32 - 1 for each in range(heap.object_count) if each not in done)


def test_a_chain_of_a_million_objects_needs_no_stack() -> None:
    count = 1_000_000
    starts = np.minimum(np.arange(count + 1, dtype=np.int64), count - 1)
    targets = np.arange(1, count, dtype=np.uint32)
    kinds = np.full(count - 1, pb.EDGE_KIND_ELEMENT, np.uint8)
    immediate, order = np.empty(count, np.uint32), np.empty(count, np.uint32)
    sizes, sums = np.ones(count, np.uint64), np.zeros(1, np.uint64)

    _native.dominate(starts, targets, kinds, np.zeros(1, np.uint32), immediate, order)
    _native.retain(immediate, order, sizes)
    _native.retain_by_type(immediate, order, sizes, np.zeros(count, np.uint32), sums)

    assert immediate[0] == count
    assert np.array_equal(immediate[1:], np.arange(count - 1))
    assert np.array_equal(sizes, np.arange(count, 0, -1))
    assert sums[0] == count


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"edge_targets": np.array([3], np.uint32)}, "not there"),
        ({"edge_starts": np.array([0, 2, 1, 1], np.int64)}, "begin where"),
        ({"edge_starts": np.array([0, -1, 1, 1], np.int64)}, "begin where"),
        ({"edge_starts": np.array([0, 1, 1, 2], np.int64)}, "begin where"),
        ({"edge_kinds": np.zeros(2, np.uint8)}, "differ in length"),
        ({"edge_starts": np.empty(0, np.int64)}, "differ in length"),
        ({"roots": np.array([3], np.uint32)}, "do not fit"),
        ({"order": np.empty(2, np.uint32)}, "do not fit"),
    ],
)
def test_the_native_module_walks_within_bounds(
    changes: dict[str, np.ndarray], complaint: str
) -> None:
    arrays = {
        "edge_starts": np.array([0, 1, 1, 1], np.int64),
        "edge_targets": np.array([1], np.uint32),
        "edge_kinds": np.array([1], np.uint8),
        "roots": np.array([0], np.uint32),
        "dominators": np.empty(3, np.uint32),
        "order": np.empty(3, np.uint32),
    }
    _native.dominate(*arrays.values())
    with pytest.raises(ValueError, match=complaint):
        _native.dominate(*{**arrays, **changes}.values())


def test_what_is_no_tree_is_not_walked_for_ever() -> None:
    dominators, order = np.array([3, 0, 0], np.uint32), np.array([0, 1, 1], np.uint32)
    sizes, types = np.ones(3, np.uint64), np.zeros(3, np.uint32)
    with pytest.raises(ValueError, match="are no tree"):
        _native.retain_by_type(dominators, order, sizes, types, np.zeros(1, np.uint64))


def test_the_native_module_refuses_entries_of_another_size() -> None:
    wide = np.zeros(3, np.uint64)
    with pytest.raises(TypeError, match="dominators must have entries of 4 bytes, not 8"):
        _native.retain(wide, wide, wide)


packed_columns = st.one_of(
    st.binary(max_size=60),
    # Numbers of many lengths. The last may be cut off.
    st.lists(
        st.integers(0, 2**66).map(
            lambda number: bytes(
                number >> 7 * place & 0x7F | (0x80 if number >> 7 * (place + 1) else 0)
                for place in range(max((number.bit_length() + 6) // 7, 1))
            )
        ),
        max_size=12,
    ).map(b"".join),
)


@settings(max_examples=200)
@given(packed_columns)
def test_native_and_python_unpack_the_same(packed: bytes) -> None:
    try:
        expected = decode_varints_in_python(packed)
    except WireError as error:
        # If a column has two defects, each implementation may report a different one.
        with pytest.raises(WireError, match=f"{error}|more than 64 bits|cut off"):
            decode_varints(packed)
    else:
        found = decode_varints(packed)
        assert found.tolist() == expected.tolist()
        assert found.dtype == expected.dtype


def filled(function: Callable[..., int], packed: bytes, kind: type[Any], *more: Any) -> list[int]:
    """The numbers that a function of the module writes to a column of sufficient size."""
    column = np.empty(len(packed), kind)
    return list(column[: function(packed, column, *more)])


@pytest.mark.parametrize(
    ("function", "kind"), [(_native.fill_32, np.uint32), (_native.fill_64, np.uint64)]
)
@settings(max_examples=200)
@given(packed_columns)
def test_native_and_python_fill_the_same(
    function: Callable[..., int], kind: type[Any], packed: bytes
) -> None:
    try:
        expected = decode_varints_in_python(packed).tolist()
    except WireError:
        with pytest.raises(ValueError, match="number"):
            filled(function, packed, kind)
        return
    if max(expected, default=0) > np.iinfo(kind).max:
        with pytest.raises(OverflowError):
            filled(function, packed, kind)
        return
    assert filled(function, packed, kind) == expected
    if expected:
        with pytest.raises(OverflowError, match="more objects"):
            function(packed, np.empty(len(expected) - 1, kind))


@settings(max_examples=200)
@given(packed_columns)
def test_native_and_python_fill_the_same_labels(packed: bytes) -> None:
    names = np.empty(len(packed), np.uint32)
    try:
        labels = decode_varints_in_python(packed).tolist()
    except WireError:
        with pytest.raises(ValueError, match="number"):
            filled(_native.fill_labels, packed, np.uint8, names)
        return
    if max(labels, default=0) >> 32:
        with pytest.raises(OverflowError):
            filled(_native.fill_labels, packed, np.uint8, names)
        return
    assert filled(_native.fill_labels, packed, np.uint8, names) == [each & 15 for each in labels]
    assert names[: len(labels)].tolist() == [each >> 4 for each in labels]


@settings(max_examples=200)
@given(packed_columns)
def test_native_and_python_resolve_the_same_ids(packed: bytes) -> None:
    try:
        expected = resolve_ids(decode_zigzag(packed)).tolist()
    except CorruptHeapGraphFile:
        with pytest.raises(OverflowError):
            filled(_native.fill_ids, packed, np.uint32)
    except WireError:
        with pytest.raises(ValueError, match="number"):
            filled(_native.fill_ids, packed, np.uint32)
    else:
        assert filled(_native.fill_ids, packed, np.uint32) == expected


@settings(max_examples=200)
@given(
    st.lists(st.one_of(st.integers(0, 40), st.integers(0, 2**33)), max_size=12),
    st.integers(0, 2**32),
    st.lists(st.integers(0, 12), max_size=4).map(sorted),
)
def test_native_and_python_resolve_the_same_targets(
    codes: list[int], following: int, unfound: list[int]
) -> None:
    message = pb.HeapGraphBatch(edge_targets=codes).SerializeToString()
    packed = message[2:]
    at = np.array([place for place in unfound if place <= len(codes)], np.int64)
    try:
        expected = resolve_targets(np.array(codes, np.uint64), following, at).tolist()
    except CorruptHeapGraphFile:
        with pytest.raises(OverflowError):
            filled(_native.fill_targets, packed, np.uint32, at, following)
    else:
        assert filled(_native.fill_targets, packed, np.uint32, at, following) == expected


@implementations
@given(st.lists(st.integers(0, 2**32 - 1) | st.sampled_from([0, 9, 10, 10**9 - 1, 10**9])))
def test_numbers_as_text(code: ModuleType, numbers: list[int]) -> None:
    text = code.decimals(np.array(numbers, np.uint32))
    assert text == ",".join(map(str, numbers)).encode()


def test_numbers_as_text_are_of_32_bits_and_in_a_row() -> None:
    with pytest.raises(TypeError, match="entries of 4 bytes, not 8"):
        _native.decimals(np.array([1], np.uint64))
    with pytest.raises((BufferError, ValueError), match="contiguous"):
        _native.decimals(np.arange(4, dtype=np.uint32)[::2])


WITHOUT_NATIVE = """
import sys
sys.modules["ops_client.heap_graph._native"] = None
from ops_client.devtools import write_heapsnapshot
from ops_client.heap_graph import _algorithms, find_dominators, read_heap_graph
assert _algorithms.native is None
graph = read_heap_graph(sys.argv[1])
write_heapsnapshot(graph, sys.argv[2])
tree = find_dominators(graph)
print(*tree.immediate, *tree.retained_sizes, *tree.retained_by_type)
"""


def test_without_the_native_module_results_are_the_same(tmp_path: Path) -> None:
    kinds = pb.EDGE_KIND_ELEMENT, 0
    nodes = [
        Node(0, 100, 101, 4, 0, [(1, *kinds), (2, *kinds)]),
        Node(0, 48, 7, 1, 16, [(3, *kinds)]),
        Node(1, 48, 9, 1, 16, [(3, *kinds), (4, *kinds)]),
        Node(1, 30, 11),
        Node(1, 50, 13, edges=[(2, pb.EDGE_KIND_WEAK, 0), (4, *kinds)]),
    ]
    types = [pb.HeapType(qualified_name="list"), pb.HeapType(qualified_name="str")]
    heap = read(tmp_path, Graph(types, [], nodes))
    tree = find_dominators(heap)
    assert tree.immediate.tolist() == [5, 0, 0, 0, 2]
    assert tree.retained_sizes.tolist() == [308, 64, 114, 30, 50]

    printed = subprocess.run(
        [sys.executable, "-c", WITHOUT_NATIVE, tmp_path / "some.heapgraph", tmp_path / "without"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    write_heapsnapshot(heap, tmp_path / "with")
    assert (tmp_path / "without").read_bytes() == (tmp_path / "with").read_bytes()
    numbers = [*tree.immediate, *tree.retained_sizes, *tree.retained_by_type]
    assert printed.split() == [str(number) for number in numbers]
