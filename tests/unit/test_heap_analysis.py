"""Suspects, duplicates and differences, on small graphs made for the purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from graph_writer import Graph, Node, default_header, file_bytes

from ops_client.errors import DifferentProcesses
from ops_client.heap_graph import (
    Difference,
    HeapGraph,
    PathFinder,
    compare,
    find_dominators,
    find_duplicates,
    find_holders,
    find_suspects,
    read_heap_graph,
)
from ops_service.v1 import heap_graph_pb2 as pb
from ops_service.v1 import process_pb2

ROOT, MODULE, LIST, STR, TUPLE, ITEM = range(6)
TYPES = [
    pb.HeapType(qualified_name="modules", kind=pb.HEAP_TYPE_KIND_SYNTHETIC),
    pb.HeapType(qualified_name="module", kind=pb.HEAP_TYPE_KIND_PYTHON),
    pb.HeapType(qualified_name="list", kind=pb.HEAP_TYPE_KIND_PYTHON, type_id=21),
    pb.HeapType(qualified_name="str", kind=pb.HEAP_TYPE_KIND_PYTHON, type_id=23),
    pb.HeapType(qualified_name="tuple", kind=pb.HEAP_TYPE_KIND_PYTHON, type_id=25),
    pb.HeapType(module="shop", qualified_name="Item", kind=pb.HEAP_TYPE_KIND_PYTHON, type_id=27),
]
NAMES = ["shop", "ITEMS", "other"]
SITES = [("shop.py", 1), ("shop.py", 2)]
ELEMENT = (pb.EDGE_KIND_ELEMENT, 0)


def written(directory: Path, name: str, nodes: list[Node], instance: str = "a") -> HeapGraph:
    roots = [pb.HeapRoot(object_index=0, kind=pb.HEAP_ROOT_KIND_MODULES)]
    header = default_header()
    header.process.CopyFrom(process_pb2.ProcessId(instance_id=instance, pid=7, host_name="h"))
    path = directory / name
    path.write_bytes(file_bytes(Graph(TYPES, NAMES, nodes, roots, SITES), header=header))
    return read_heap_graph(path)


def shop(*items: Node, size: int = 100) -> list[Node]:
    """``shop.ITEMS``, a list of these objects."""
    return [
        Node(ROOT, 0, 0, 4, edges=[(1, pb.EDGE_KIND_ROOT, 1)]),
        Node(MODULE, 10, 11, edges=[(2, pb.EDGE_KIND_ATTRIBUTE, 2)]),
        Node(LIST, size, 13, edges=[(3 + place, *ELEMENT) for place in range(len(items))]),
        *items,
    ]


def holding(*targets: int) -> Node:
    """A tuple of these objects."""
    return Node(TUPLE, 56, 101, edges=[(target, *ELEMENT) for target in targets])


def said(text: str, length: int = 3) -> Node:
    """A str of a given length. The snapshot contains the beginning of it."""
    return Node(STR, 50, 101, content=(pb.CONTENT_KIND_TEXT, length, text.encode()))


def difference(directory: Path, before: list[Node], after: list[Node]) -> Difference:
    first = written(directory, "before", before)
    second = written(directory, "after", after)
    return compare(first, second, PathFinder(second))


def test_bytes_accumulate_where_they_fan_out(tmp_path: Path) -> None:
    graph = written(tmp_path, "one", shop(*(Node(ITEM, 50, 101 + 2 * n) for n in range(20))))

    [suspect] = find_suspects(find_dominators(graph), PathFinder(graph))

    assert suspect.path == "shop.ITEMS (list)"
    assert (suspect.retained_size, suspect.count) == (1100, 1)
    assert suspect.share == pytest.approx(1100 / 1110)
    assert [(group.type_name, group.count) for group in suspect.contents] == [("shop.Item", 20)]


def test_objects_that_nothing_gathers_are_suspected_by_their_type(tmp_path: Path) -> None:
    items = [Node(ITEM, 50, 101 + 2 * n, 4) for n in range(20)]
    graph = written(tmp_path, "one", shop(*items))

    [suspect] = find_suspects(find_dominators(graph), PathFinder(graph))

    assert (suspect.object_index, suspect.type_name, suspect.count) == (None, "shop.Item", 20)
    assert suspect.retained_size == 1000


def test_an_address_given_to_another_type_is_another_object(tmp_path: Path) -> None:
    found = difference(tmp_path, shop(Node(ITEM, 50, 101)), shop(Node(STR, 50, 101)))

    assert (found.is_new.tolist(), found.is_freed.tolist()) == ([False] * 3 + [True],) * 2
    assert found.readdressed == 1
    assert {(each.type_name, each.new, each.freed) for each in found.types} == {
        ("shop.Item", 0, 1),
        ("str", 1, 0),
    }


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        (Node(STR, 50, 101), Node(STR, 51, 101), 1),
        (Node(STR, 50, 101), Node(STR, 49, 101), 1),
        (Node(STR, 50, 101), Node(STR, 151, 101), 1),
        (Node(STR, 50, 101), Node(STR, 50, 101), 0),
        # Meanwhile the str has cached its UTF-8 form.
        (Node(STR, 50, 101), Node(STR, 60, 101), 0),
        (said("one"), said("two"), 1),
        (said("one"), said("one"), 0),
        (said("one"), said("one or more", length=30), 1),
        (said("one or more", length=30), said("one", length=30), 0),
        (Node(ITEM, 50, 101, site=1), Node(ITEM, 50, 101, site=2), 1),
        (Node(ITEM, 50, 101, site=1), Node(ITEM, 50, 101, site=1), 0),
        (Node(ITEM, 50, 101, site=0), Node(ITEM, 50, 101, site=1), 0),
        (Node(ITEM, 50, 101), Node(ITEM, 90, 101), 0),
        (holding(2), holding(1), 1),
        (holding(2), holding(2), 0),
        (holding(2), holding(), 1),
    ],
)
def test_what_cannot_change_and_did_is_another_object(
    tmp_path: Path, before: Node, after: Node, new: int
) -> None:
    found = difference(tmp_path, shop(before), shop(after))

    assert int(found.is_new.sum()) == int(found.is_freed.sum()) == found.readdressed == new


def test_what_holds_a_replaced_object_for_life_was_replaced_too(tmp_path: Path) -> None:
    def shelves(inner: int) -> list[Node]:
        # A tuple in a tuple in a list, and a list that may have got another element.
        outer = Node(TUPLE, 56, 103, edges=[(4, *ELEMENT)])
        between = Node(TUPLE, 56, 105, edges=[(5, *ELEMENT)])
        changing = Node(LIST, 56, 109, edges=[(5, *ELEMENT)])
        return shop(outer, between, Node(inner, 50, 107), changing)

    found = difference(tmp_path, shelves(ITEM), shelves(STR))

    assert found.is_new.tolist() == [False, False, False, True, True, True, False]
    assert found.is_freed.tolist() == found.is_new.tolist()
    assert found.readdressed == 3
    assert not difference(tmp_path, shelves(ITEM), shelves(ITEM)).is_new.any()


def test_a_cut_snapshot_proves_nothing_by_what_it_leaves_out(tmp_path: Path) -> None:
    first = written(tmp_path, "before", shop(holding(2)))
    second = written(tmp_path, "after", shop(holding()))
    second.trailer.cut.max_objects = 4

    assert not compare(first, second, PathFinder(second)).is_new.any()


def test_growth_and_holders_are_named(tmp_path: Path) -> None:
    old = [Node(ITEM, 50, 101), Node(ITEM, 50, 103)]
    fresh = [Node(ITEM, 50, 201 + 2 * number) for number in range(5)]
    # A new object below another new one belongs to the same holder.
    fresh[0].edges.append((10, *ELEMENT))
    second = written(tmp_path, "after", [*shop(*old, *fresh, size=164), Node(STR, 30, 301)])
    first = written(tmp_path, "before", shop(*old))
    paths = PathFinder(second)

    found = compare(first, second, paths)
    [holder] = find_holders(found, find_dominators(first), find_dominators(second), paths)

    [grown] = found.grown
    assert (grown.path, grown.size_before, grown.size_after) == ("shop.ITEMS (list)", 100, 164)
    assert (holder.path, holder.count, holder.size) == ("shop.ITEMS (list)", 6, 280)
    assert (holder.freed_count, holder.growth, holder.net_size) == (0, 64, 344)
    assert found.readdressed == 0
    assert {(each.type_name, each.grown, each.growth) for each in found.types} == {
        ("list", 1, 64),
        ("shop.Item", 0, 0),
        ("str", 0, 0),
    }


def test_what_is_gone_has_a_holder_too(tmp_path: Path) -> None:
    old = [Node(ITEM, 50, 101 + 2 * number) for number in range(4)]
    # The last of them held a string, which was freed too.
    old[3].edges.append((7, *ELEMENT))
    first = written(tmp_path, "before", [*shop(*old), Node(STR, 30, 301)])
    second = written(tmp_path, "after", shop(old[0], Node(ITEM, 50, 201)))
    paths = PathFinder(second)

    found = compare(first, second, paths)
    [holder] = find_holders(found, find_dominators(first), find_dominators(second), paths)

    assert (holder.path, holder.object_index) == ("shop.ITEMS (list)", 2)
    assert (holder.count, holder.size) == (1, 50)
    assert (holder.freed_count, holder.freed_size) == (4, 180)
    assert (holder.growth, holder.net_size) == (0, -130)


def test_what_a_returned_frame_held_is_told_by_its_old_path(tmp_path: Path) -> None:
    def stack(*frames: Node, target: Node) -> HeapGraph:
        nodes = [*shop()[:2], target, *frames]
        nodes[1].edges = []
        nodes[0].edges += [(number, pb.EDGE_KIND_ROOT, 0) for number in range(3, len(nodes))]
        return written(tmp_path, str(len(nodes)), nodes)

    frame = Node(ROOT, 0, 0, 0, edges=[(2, pb.EDGE_KIND_LOCAL, 2)])
    first = stack(frame, target=Node(LIST, 900, 13))
    second = stack(target=Node(LIST, 900, 15, 4))
    paths = PathFinder(second)

    found = compare(first, second, paths)
    holders = find_holders(found, find_dominators(first), find_dominators(second), paths)

    assert [(each.object_index, each.count, each.freed_count) for each in holders] == [
        (None, 1, 0),
        (None, 0, 1),
    ]


def test_objects_without_an_address_are_not_compared(tmp_path: Path) -> None:
    nodes = shop(Node(ITEM, 50, 0), Node(ITEM, 50, 0))
    found = difference(tmp_path, nodes, nodes)

    assert not found.is_new.any()
    assert not found.is_freed.any()


def test_two_processes_are_not_compared(tmp_path: Path) -> None:
    first = written(tmp_path, "before", shop())
    second = written(tmp_path, "after", shop(), instance="b")

    with pytest.raises(DifferentProcesses, match="Compare two of one process"):
        compare(first, second, PathFinder(second))


def test_alternatives_leave_out_what_the_object_itself_keeps_alive(tmp_path: Path) -> None:
    item = Node(ITEM, 50, 101, edges=[(4, *ELEMENT), (3, *ELEMENT)])
    inner = Node(LIST, 60, 103, edges=[(3, *ELEMENT)])
    nodes = shop(item, inner)
    nodes[1].edges.append((3, pb.EDGE_KIND_ATTRIBUTE, 3))
    nodes[2].edges.append((3, pb.EDGE_KIND_WEAK, 0))
    nodes[2].edges = nodes[2].edges[:1] + nodes[2].edges[2:]
    graph = written(tmp_path, "one", nodes)
    paths = PathFinder(graph)

    texts = [paths.text(each) for each in paths.alternatives(3)]

    assert texts == ["shop.other (shop.Item)", "shop.ITEMS[0] (shop.Item)"]
    assert [paths.text(each) for each in paths.alternatives(0)] == ["sys.modules (sys.modules)"]


def test_duplicates_are_told_by_hash_and_type(tmp_path: Path) -> None:
    graph = written(tmp_path, "one", shop(*(Node(STR, 60, 101 + 2 * n) for n in range(4))))
    objects, hashes = np.array([3, 4, 5, 6], np.uint32), np.array([9, 8, 9, 9], np.uint64)
    hashed = type(graph.string_hashes)(objects, hashes)
    object.__setattr__(graph, "string_hashes", hashed)

    [found], wasted = find_duplicates(graph)

    assert (found.type_name, found.count, found.size, found.wasted_size) == ("str", 3, 60, 120)
    assert wasted == 120
    object.__setattr__(graph, "type_indexes", graph.type_indexes.copy())
    graph.type_indexes[3] = TUPLE
    assert find_duplicates(graph)[0][0].count == 2
