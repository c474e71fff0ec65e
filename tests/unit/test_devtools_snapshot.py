"""Chrome's .heapsnapshot files: the same graph, within the limits of loaders."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from graph_strategies import graphs
from graph_writer import Graph, Node, file_bytes
from hypothesis import HealthCheck, given, settings

from ops_client.devtools import heapsnapshot, write_heapsnapshot
from ops_client.errors import CorruptHeapGraphFile, FileNotWritten
from ops_client.heap_graph import read_heap_graph
from ops_service.v1 import heap_graph_pb2 as pb

in_one_directory = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)

PYTHON_TYPE = pb.HeapType(module="app", qualified_name="Session", kind=pb.HEAP_TYPE_KIND_PYTHON)
ROOT_TYPE = pb.HeapType(qualified_name="root", kind=pb.HEAP_TYPE_KIND_SYNTHETIC)
SECTIONS = "snapshot nodes edges trace_function_infos trace_tree samples locations strings"


@dataclass
class LoadedEdge:
    type: str
    name: str | int
    target: int


@dataclass
class LoadedNode:
    type: str
    name: str
    id: int
    self_size: int
    edges: list[LoadedEdge]


def convert(directory: Path, graph: Graph) -> list[LoadedNode]:
    source, target = directory / "some.heapgraph", directory / "some.heapsnapshot"
    source.write_bytes(file_bytes(graph))
    write_heapsnapshot(read_heap_graph(source), target)
    return load(target)


def load(path: Path) -> list[LoadedNode]:
    """A loader that checks everything and knows nothing of the writer."""
    text = path.read_text("utf-8")
    assert '"nodes":[' in text
    assert '"edges":[' in text
    assert '"locations":[' in text
    document: dict[str, Any] = json.loads(text)
    assert " ".join(document) == SECTIONS
    meta, strings = document["snapshot"]["meta"], document["strings"]
    node_width, edge_width = len(meta["node_fields"]), len(meta["edge_fields"])
    numbers, links = document["nodes"], document["edges"]
    assert (node_width, edge_width) == (7, 3)
    assert document["snapshot"]["node_count"] * node_width == len(numbers)
    assert document["snapshot"]["edge_count"] * edge_width == len(links)
    assert all(0 <= number < 2**32 for number in (*numbers, *links))
    assert strings[0] == "<dummy>"
    assert len(set(strings)) == len(strings)
    place = 0
    nodes = []
    for start in range(0, len(numbers), node_width):
        kind, name, node_id, size, edge_count, trace_node, detached = numbers[start : start + 7]
        assert detached == 0
        assert trace_node == 0 or document["snapshot"]["trace_function_count"] > 0
        edges = []
        for _ in range(edge_count):
            edge_kind, label, to_node = links[place : place + 3]
            place += 3
            edge_type = meta["edge_types"][0][edge_kind]
            numbered = edge_type in ("element", "hidden")
            assert to_node % node_width == 0
            assert to_node < len(numbers)
            edges.append(
                LoadedEdge(edge_type, label if numbered else strings[label], to_node // node_width)
            )
        node_type = meta["node_types"][0][kind]
        nodes.append(LoadedNode(node_type, strings[name], node_id, size, edges))
    assert place == len(links)
    return nodes


@in_one_directory
@given(graphs())
def test_any_graph_becomes_a_sound_file(tmp_path: Path, graph: Graph) -> None:
    nodes = convert(tmp_path, graph)
    ids = [node.id for node in nodes]
    assert len(set(ids)) == len(ids)
    assert all(node_id % 2 and node_id < 2**32 for node_id in ids)
    assert ids[:2] == [1, 3]
    assert (nodes[0].name, nodes[0].type) == ("", "synthetic")
    assert (nodes[1].name, nodes[1].type) == ("(GC roots)", "synthetic")
    assert all(not node.name.startswith("Object(") for node in nodes)
    assert all(not node.name.startswith("<") for node in nodes if node.type == "object")
    assert sum(node.self_size for node in nodes) == sum(
        node.size + node.extra_size for node in graph.nodes
    )

    for index, node in enumerate(graph.nodes):
        found = nodes[index + 2].edges
        parts = found[len(node.edges) :]
        assert all((edge.type, edge.name) == ("internal", "part") for edge in parts)
        assert [edge.target - 2 for edge in found[: len(node.edges)]] == [
            target for target, _, _ in node.edges
        ]
        unnamed: Counter[int] = Counter()
        key = None
        for edge, (target, kind, name) in zip(found, node.edges, strict=False):
            if name:
                assert edge.name == graph.names[name - 1]
            elif kind == pb.EDGE_KIND_VALUE and key is not None and key.content is not None:
                assert edge.type == "property"
                assert isinstance(edge.name, str)
            elif isinstance(edge.name, int):
                assert edge.name == unnamed[kind]
            else:
                assert edge.name.endswith(f" {unnamed[kind]}")
            unnamed[kind] += not name
            key = graph.nodes[target] if kind == pb.EDGE_KIND_KEY else None
            assert (edge.type == "weak") == (kind == pb.EDGE_KIND_WEAK)
        if node.id not in (0, 1, 3):
            assert nodes[index + 2].id == node.id

    reached = {0}
    waiting = [0]
    while waiting:
        index = waiting.pop()
        for edge in nodes[index].edges:
            counts = edge.type != "weak" and (edge.type != "shortcut" or index == 0)
            if counts and edge.target not in reached:
                reached.add(edge.target)
                waiting.append(edge.target)
    by_weak_edges_alone = set(range(len(nodes))) - reached
    strongly_held = {
        target
        for node in graph.nodes
        for target, kind, _ in node.edges
        if kind != pb.EDGE_KIND_WEAK
    }
    # An unreachable object is held by a cycle that the graph does not call a root. The other
    # parts of the cycle are unreachable too.
    objects = {index - 2 for index in by_weak_edges_alone if index - 2 < len(graph.nodes)}
    assert objects <= strongly_held


def test_sites_become_a_trace_tree(tmp_path: Path) -> None:
    graph = Graph(
        [PYTHON_TYPE],
        [],
        [Node(size=10, site=2), Node(size=20, extra_size=5, site=2), Node(size=40, site=1), Node()],
        sites=[("/app/shop/cart.py", 7), ("/app/shop/feed.py", 9)],
    )
    convert(tmp_path, graph)
    document = json.loads((tmp_path / "some.heapsnapshot").read_text())
    assert document["trace_tree"] == [1, 0, 3, 75, [2, 1, 1, 40, [], 3, 2, 2, 35, []]]
    width = len(document["snapshot"]["meta"]["trace_function_info_fields"])
    infos = document["trace_function_infos"]
    assert document["snapshot"]["trace_function_count"] * width == len(infos)
    strings = document["strings"]
    assert [strings[infos[start + 1]] for start in range(0, len(infos), width)] == [
        "(root)",
        "cart.py:7",
        "feed.py:9",
    ]
    assert strings[infos[2 * width + 2]] == "/app/shop/feed.py"
    assert infos[2 * width + 4] == 9
    # Two nodes come before the objects.
    assert [document["nodes"][index * 7 + 5] for index in range(2, 6)] == [3, 3, 2, 0]


def test_values_name_nodes_and_keys_name_edges(tmp_path: Path) -> None:
    mapping = pb.HeapType(qualified_name="dict", kind=pb.HEAP_TYPE_KIND_PYTHON)
    pair = pb.HeapType(qualified_name="tuple", kind=pb.HEAP_TYPE_KIND_PYTHON)
    entries = [(key, pb.EDGE_KIND_KEY, 0) for key in (1, 2, 3, 7)]
    edges = [each for entry in entries for each in (entry, (4, pb.EDGE_KIND_VALUE, 0))]
    nodes = convert(
        tmp_path,
        Graph(
            [mapping, PYTHON_TYPE, pair],
            [],
            [
                Node(0, flags=4, edges=edges),
                Node(1, content=(pb.CONTENT_KIND_TEXT, 9, "höflich".encode())),
                Node(1, content=(pb.CONTENT_KIND_INT, 5, b"-17")),
                Node(2, edges=[(each, pb.EDGE_KIND_ELEMENT, 0) for each in (1, 2, 8)]),
                Node(1, content=(pb.CONTENT_KIND_BYTES, 2, b"\x00a")),
                Node(1, flags=4, content=(pb.CONTENT_KIND_FLOAT, 0, b"\0\0\0\0\0\0\xf8\x3f")),
                Node(1, flags=4, content=(pb.CONTENT_KIND_TEXT, 11, b"Object(1, 2")),
                Node(1),
                Node(1, content=(pb.CONTENT_KIND_NONE, 0, b"")),
                Node(1, flags=4, content=(pb.CONTENT_KIND_INT, 4000, b"")),
                Node(1, flags=4, content=(pb.CONTENT_KIND_TEXT, 3, b"a\xed\xa0\x80b")),
            ],
        ),
    )
    values = [edge for edge in nodes[2].edges if edge.target == 6]
    assert [(edge.type, edge.name) for edge in values] == [
        ("property", "höflich…"),
        ("property", "-17"),
        ("property", "('höflich'…, -17, None)"),
        # A key whose content is not in the snapshot.
        ("element", 3),
    ]
    assert [(node.type, node.name) for node in nodes[3:]] == [
        ("string", "höflich…"),
        ("number", "-17"),
        ("object", "tuple"),
        ("string", "b'\\x00a'"),
        ("number", "1.5"),
        ("string", " Object(1, 2"),
        ("object", "app.Session"),
        ("object", "app.Session"),
        ("number", "int of 4000 bits"),
        ("string", "a\N{REPLACEMENT CHARACTER}b"),
    ]


def test_roots_hang_where_distances_are_counted_from(tmp_path: Path) -> None:
    graph = Graph(
        [ROOT_TYPE, PYTHON_TYPE],
        ["request"],
        [
            Node(0, 0, 0, 4, 0, [(5, pb.EDGE_KIND_ROOT, 0)]),
            Node(0, 0, 0, 4, 0, [(4, pb.EDGE_KIND_ROOT, 0)]),
            Node(0, 0, 0, 4, 0, [(7, pb.EDGE_KIND_ROOT, 0)]),
            Node(1, 8, 11, 4 | 32, 0, [(3, pb.EDGE_KIND_ELEMENT, 0)]),
            Node(0, 0, 0, 0, 0, [(6, pb.EDGE_KIND_LOCAL, 1)]),
            Node(1, 8, 13),
            Node(1, 8, 15, 1, 0, [(5, pb.EDGE_KIND_WEAK, 0)]),
            Node(1, 8, 17, 4),
        ],
        [
            pb.HeapRoot(object_index=0, kind=pb.HEAP_ROOT_KIND_MODULES),
            pb.HeapRoot(
                object_index=1, kind=pb.HEAP_ROOT_KIND_THREAD, name="MainThread", thread_id=9
            ),
            pb.HeapRoot(object_index=2, kind=pb.HEAP_ROOT_KIND_HELD_BY_C),
            pb.HeapRoot(object_index=4, kind=pb.HEAP_ROOT_KIND_FRAME, name="<module>"),
        ],
    )
    nodes = convert(tmp_path, graph)
    assert nodes[0].edges == [
        LoadedEdge("element", 1, 1),
        LoadedEdge("shortcut", "sys.modules", 2),
        LoadedEdge("shortcut", "thread MainThread (9)", 3),
    ]
    # The object in its own cycle is a root that no root node holds. The last object
    # is a root too, and is held.
    assert nodes[1].edges == [
        LoadedEdge("internal", "garbage", 4),
        LoadedEdge("internal", "garbage", 5),
    ]
    assert [(node.type, node.name) for node in nodes[2:7]] == [
        ("native", "sys.modules"),
        ("native", "thread MainThread (9)"),
        ("synthetic", "(held by C code)"),
        ("object", "app.Session"),
        ("native", "frame <module>"),
    ]
    assert nodes[6].edges == [LoadedEdge("context", "request", 8)]
    assert nodes[8].edges == [LoadedEdge("weak", "weak 0", 7)]


@pytest.mark.parametrize(
    ("kind", "named", "unnamed"),
    [
        (pb.EDGE_KIND_ELEMENT, ("property", "n"), ("element", 1)),
        (pb.EDGE_KIND_KEY, ("internal", "n"), ("internal", "key 1")),
        (pb.EDGE_KIND_VALUE, ("property", "n"), ("element", 1)),
        (pb.EDGE_KIND_ATTRIBUTE, ("property", "n"), ("internal", "attribute 1")),
        (pb.EDGE_KIND_SLOT, ("property", "n"), ("internal", "slot 1")),
        (pb.EDGE_KIND_LOCAL, ("context", "n"), ("internal", "local 1")),
        (pb.EDGE_KIND_CELL, ("context", "n"), ("internal", "cell 1")),
        (pb.EDGE_KIND_INTERNAL, ("internal", "n"), ("internal", "reference 1")),
        (pb.EDGE_KIND_WEAK, ("weak", "n"), ("weak", "weak 1")),
        (pb.EDGE_KIND_ROOT, ("internal", "n"), ("element", 1)),
        (15, ("internal", "n"), ("internal", "reference 1")),
    ],
)
def test_every_kind_of_edge_has_its_type(
    tmp_path: Path, kind: int, named: tuple[str, str], unnamed: tuple[str, str | int]
) -> None:
    edges = [(0, kind, 0), (0, kind, 1), (0, kind, 0)]
    nodes = convert(tmp_path, Graph([PYTHON_TYPE], ["n"], [Node(edges=edges)]))
    found = [(edge.type, edge.name) for edge in nodes[2].edges]
    assert found[1:] == [named, unnamed]


def test_ids_stay_and_missing_ones_collide_with_none(tmp_path: Path) -> None:
    ids = [1, 3, 0, 2**32 - 1, 2**32 - 5, 77, 77, 0]
    nodes = convert(tmp_path, Graph([PYTHON_TYPE], [], [Node(id=each, flags=4) for each in ids]))
    top = 2**32
    assert [node.id for node in nodes] == [
        1,
        3,
        top - 3,
        top - 7,
        top - 9,
        top - 1,
        top - 5,
        77,
        top - 11,
        top - 13,
    ]


def test_sizes_past_32_bits_are_split(tmp_path: Path) -> None:
    most = 2**32 - 1
    owned = [(1, pb.EDGE_KIND_ELEMENT, 0)]
    graph = Graph(
        [PYTHON_TYPE],
        [],
        [
            Node(size=2 * most + 5, id=5, flags=4, edges=owned),
            Node(size=most, id=7, edges=owned),
            Node(size=most, extra_size=1, id=9, flags=4, edges=owned),
        ],
    )
    nodes = convert(tmp_path, graph)
    assert [node.self_size for node in nodes[2:]] == [most, most, most, most, 5, 1]
    assert [edge.target for edge in nodes[2].edges] == [3, 5, 6]
    assert [edge.target for edge in nodes[3].edges] == [3]
    assert [edge.target for edge in nodes[4].edges] == [3, 7]


def test_sizes_beyond_any_memory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptHeapGraphFile, match="exceeds any memory"):
        convert(tmp_path, Graph([PYTHON_TYPE], [], [Node(size=2**63)]))
    assert not (tmp_path / "some.heapsnapshot").exists()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<locals> thing", "type <locals> thing"),
        ("Object(1)", "type Object(1)"),
        ("", "(unnamed)"),
        ('quoted " \\ \x00 \u2028 \U0001f600', 'quoted " \\ \x00 \u2028 \U0001f600'),
    ],
)
def test_awkward_names_are_shown_whole(tmp_path: Path, name: str, shown: str) -> None:
    python_type = pb.HeapType(qualified_name=name, kind=pb.HEAP_TYPE_KIND_PYTHON)
    nodes = convert(tmp_path, Graph([python_type], [], [Node()]))
    assert nodes[2].name == shown


def test_a_container_of_many_brings_few_strings(tmp_path: Path) -> None:
    edges = [(0, pb.EDGE_KIND_KEY, 0)] * 10_010
    nodes = convert(tmp_path, Graph([PYTHON_TYPE], [], [Node(edges=edges)]))
    names = [edge.name for edge in nodes[2].edges]
    assert names[9_999] == "key 9999"
    assert names[10_000:] == ["key"] * 10


@in_one_directory
@given(graphs())
def test_blocks_leave_no_seams(tmp_path: Path, graph: Graph) -> None:
    whole = convert(tmp_path, graph)
    source, target = tmp_path / "some.heapgraph", tmp_path / "some.heapsnapshot"
    steps: list[tuple[int, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heapsnapshot, "_BLOCK_ROWS", 3)
        write_heapsnapshot(read_heap_graph(source), target, lambda *step: steps.append(step))
    assert load(target) == whole
    total = len(whole) + sum(len(node.edges) for node in whole)
    assert steps == sorted(steps)
    assert steps[-1] == (total, total)


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    source, target = tmp_path / "some.heapgraph", tmp_path / "some.heapsnapshot"
    source.write_bytes(file_bytes(Graph([PYTHON_TYPE], [], [Node()])))
    target.write_text("old")

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_heapsnapshot(read_heap_graph(source), target, interrupt)
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [source.name, target.name]
    with pytest.raises(FileNotWritten, match="No such file"):
        write_heapsnapshot(read_heap_graph(source), tmp_path / "absent" / "x.heapsnapshot")
