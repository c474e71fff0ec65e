"""Heap graph files: the reader returns what was written, and rejects the rest."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Callable
from operator import setitem
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.internal.encoder import _VarintBytes
from graph_strategies import graphs
from graph_writer import Graph, Node, default_header, delimited, file_bytes, sealed, stream
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops_client.errors import (
    CorruptHeapGraphFile,
    HeapGraphFileError,
    NotAHeapGraphFile,
    TruncatedHeapGraphFile,
    UnsupportedHeapGraphFile,
)
from ops_client.heap_graph import HeapGraph, assembly, read_heap_graph
from ops_service.v1 import heap_graph_pb2 as pb

in_one_directory = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)


def example_graph() -> Graph:
    types = [
        pb.HeapType(qualified_name="dict", kind=pb.HEAP_TYPE_KIND_PYTHON, type_id=7),
        pb.HeapType(module="app", qualified_name="Session", kind=pb.HEAP_TYPE_KIND_PYTHON),
    ]
    nodes = [
        Node(
            *(0, 232, 101, 4, 0),
            [(1, pb.EDGE_KIND_VALUE, 0), (2, pb.EDGE_KIND_ATTRIBUTE, 1)],
            content=(pb.CONTENT_KIND_TEXT, 6, b"abcdef"),
            hash=2**64 - 5,
        ),
        Node(1, 48, 7, 1, 16, [(0, pb.EDGE_KIND_INTERNAL, 0)]),
        Node(
            1,
            48,
            2**32 - 1,
            1,
            16,
            [(1, pb.EDGE_KIND_WEAK, 0), (2, pb.EDGE_KIND_CELL, 1)],
            content=(pb.CONTENT_KIND_FLOAT, 0, b"12345678"),
        ),
    ]
    return Graph(types, ["user"], nodes)


def example_with_sites() -> Graph:
    graph = example_graph()
    graph.sites = [("app/session.py", 12), ("app/session.py", 30)]
    graph.nodes[0].site, graph.nodes[2].site = 2, 1
    return graph


def read(directory: Path, data: bytes) -> HeapGraph:
    path = directory / "some.heapgraph"
    path.write_bytes(data)
    return read_heap_graph(path)


def assert_equal(graph: HeapGraph, expected: Graph) -> None:
    assert graph.type_indexes.tolist() == [node.type_index for node in expected.nodes]
    assert graph.sizes.tolist() == [node.size for node in expected.nodes]
    assert graph.extra_sizes.tolist() == [node.extra_size for node in expected.nodes]
    assert graph.ids.tolist() == [node.id for node in expected.nodes]
    assert (graph.flags & 15).tolist() == [node.flags for node in expected.nodes]
    edges = list(
        zip(
            graph.edge_targets.tolist(),
            graph.edge_kinds.tolist(),
            graph.edge_names.tolist(),
            strict=True,
        )
    )
    starts = graph.edge_starts.tolist()
    found = [edges[starts[index] : starts[index + 1]] for index in range(graph.object_count)]
    assert found == [node.edges for node in expected.nodes]
    assert list(graph.types) == expected.types
    assert list(graph.names) == ["", *expected.names]
    assert {
        index: (content.kind, content.length, content.data)
        for index in range(graph.object_count)
        if (content := graph.contents.of(index)) is not None
    } == {index: n.content for index, n in enumerate(expected.nodes) if n.content is not None}
    assert dict(
        zip(
            graph.string_hashes.objects.tolist(),
            graph.string_hashes.hashes.tolist(),
            strict=True,
        )
    ) == {index: n.hash for index, n in enumerate(expected.nodes) if n.hash is not None}
    assert list(graph.roots) == expected.roots
    assert [(site.file_name, site.line) for site in graph.allocation_sites[1:]] == expected.sites
    expected_sites = [node.site for node in expected.nodes] if expected.sites else []
    assert graph.site_indexes.tolist() == expected_sites
    assert graph.edge_sources().tolist() == [
        index for index, node in enumerate(expected.nodes) for _ in node.edges
    ]


def test_sites_are_read(tmp_path: Path) -> None:
    graph = example_with_sites()
    assert_equal(read(tmp_path, file_bytes(graph)), graph)


@in_one_directory
@given(graphs(), st.integers(1, 9), st.integers(1, 9))
def test_what_was_written_comes_back(
    tmp_path: Path, graph: Graph, edges_per_batch: int, objects_per_batch: int
) -> None:
    data = file_bytes(graph, edges_per_batch=edges_per_batch, objects_per_batch=objects_per_batch)
    assert_equal(read(tmp_path, data), graph)


def entries_of_a_namespace() -> Graph:
    graph = example_graph()
    graph.nodes[1].edges = [
        *((0, pb.EDGE_KIND_KEY, 0), (2, pb.EDGE_KIND_VALUE, 0)),
        *((2, pb.EDGE_KIND_KEY, 0), (0, pb.EDGE_KIND_VALUE, 0)),
    ]
    return graph


def test_entries_are_named_afterwards(tmp_path: Path) -> None:
    graph, expected = entries_of_a_namespace(), entries_of_a_namespace()
    graph.named = [(1, 1, 1)]
    expected.nodes[1].edges[3] = (0, pb.EDGE_KIND_ATTRIBUTE, 1)
    assert_equal(read(tmp_path, file_bytes(graph)), expected)


@pytest.mark.parametrize("named", [(1, 2, 1), (1, 2**32 - 1, 1), (0, 0, 1), (3, 0, 1), (1, 0, 2)])
def test_what_is_no_entry_cannot_be_named(tmp_path: Path, named: tuple[int, int, int]) -> None:
    graph = entries_of_a_namespace()
    graph.named = [named]
    with pytest.raises(CorruptHeapGraphFile):
        read(tmp_path, file_bytes(graph))


def test_header_trailer_and_progress_are_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "some.heapgraph"
    path.write_bytes(file_bytes(example_graph(), edges_per_batch=1))
    steps: list[tuple[int, int]] = []
    graph = read_heap_graph(path, lambda done, total: steps.append((done, total)))
    assert graph.header == default_header()
    assert graph.trailer.object_count == 3
    assert len(steps) > 3
    assert steps == sorted(steps)
    assert steps[-1] == (graph.trailer.byte_count, graph.trailer.byte_count)


def test_unknown_fields_of_a_later_release_are_skipped(tmp_path: Path) -> None:
    # Field 1000 as a varint, a fixed64, bytes and a fixed32, after a known batch.
    unknown = b"\xc0\x3e\x05" + b"\xc1\x3e" + bytes(8) + b"\xc2\x3e\x01x" + b"\xc5\x3e" + bytes(4)
    parts = stream(example_graph())
    batch = parts[1].batch
    batch.MergeFromString(unknown)
    assert unknown in batch.SerializeToString()
    assert_equal(read(tmp_path, sealed(parts)), example_graph())


def test_every_cut_is_reported_as_a_cut(tmp_path: Path) -> None:
    data = file_bytes(example_graph())
    for length in range(len(data)):
        with pytest.raises(TruncatedHeapGraphFile, match=r"some\.heapgraph"):
            read(tmp_path, data[:length])


def test_every_altered_byte_is_noticed(tmp_path: Path) -> None:
    data = file_bytes(example_graph(), edges_per_batch=2)
    trailer_start = len(data) - len(delimited(stream(example_graph(), edges_per_batch=2)[-1]))
    chance = random.Random(2)
    for position in range(trailer_start):
        altered = bytearray(data)
        altered[position] ^= chance.randrange(1, 256)
        with pytest.raises(HeapGraphFileError):
            read(tmp_path, bytes(altered))


@in_one_directory
@given(graphs(), st.data())
def test_no_damage_to_the_end_does_worse_than_an_error(
    tmp_path: Path, graph: Graph, data: st.DataObject
) -> None:
    altered = bytearray(file_bytes(graph))
    for _ in range(data.draw(st.integers(1, 4))):
        altered[data.draw(st.integers(0, len(altered) - 1))] = data.draw(st.integers(0, 255))
    # Most damage is found. A changed warning text, for example, cannot be.
    with contextlib.suppress(HeapGraphFileError):
        read(tmp_path, bytes(altered))


@in_one_directory
@given(st.binary(max_size=300))
def test_foreign_bytes_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises((NotAHeapGraphFile, TruncatedHeapGraphFile)):
        read(tmp_path, data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"snapshot":{"meta":{"node_fields":["type","name"]}}}' * 9,
        b"\x7fELF" + bytes(400),
        b"\xff" * 400,
        b"Ein Text, sonst nichts.\n" * 40,
    ],
)
def test_a_foreign_file_is_called_one(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(NotAHeapGraphFile, match="opsctl heap capture"):
        read(tmp_path, data)


def test_a_newer_format_asks_for_an_upgrade(tmp_path: Path) -> None:
    data = file_bytes(example_graph(), header=default_header(format_version=2))
    with pytest.raises(UnsupportedHeapGraphFile, match="Upgrade"):
        read(tmp_path, data)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: setattr(header, "resident_bytes", 2**63),
        lambda header: setattr(header.capture_time, "seconds", 2**62),
        lambda header: setattr(header.process.start_time, "nanos", -5),
    ],
    ids=["bytes", "capture time", "start time"],
)
def test_a_header_that_nothing_can_mean_is_refused(
    tmp_path: Path, change: Callable[..., None]
) -> None:
    header = default_header()
    change(header)
    with pytest.raises(CorruptHeapGraphFile, match=r"not a valid time|exceeds? any memory"):
        read(tmp_path, file_bytes(example_graph(), header=header))


Damage = Callable[[pb.HeapGraphBatch, pb.HeapGraphTrailer], object]

CONTRADICTIONS: dict[str, Damage] = {
    "content of nothing": lambda batch, _: setitem(batch.content_object_deltas, 0, 3),
    "content of less than nothing": lambda batch, _: setitem(batch.content_object_deltas, 0, -1),
    "content of a huge object": lambda batch, _: setitem(batch.content_object_deltas, 0, 2**63 - 1),
    "two contents": lambda batch, _: setitem(batch.content_object_deltas, 1, 0),
    "content columns differ": lambda batch, _: batch.content_kinds.pop(),
    "contents left over": lambda batch, _: setattr(batch, "contents", b"abcdef12345678x"),
    "huge content": lambda batch, _: setitem(batch.content_sizes, 0, 2**32 - 1),
    "short float": lambda batch, _: setitem(batch.content_kinds, 0, pb.CONTENT_KIND_FLOAT),
    "hash of nothing": lambda batch, _: setitem(batch.hash_object_deltas, 0, 3),
    "two hashes": lambda batch, _: (
        batch.hash_object_deltas.append(0),
        batch.hashes.append(1),
    ),
    "late edge columns differ": lambda batch, _: batch.late_edge_places.pop(),
    "late edge behind its object": lambda batch, _: setitem(batch.late_edge_places, 0, 2),
    "sizes beyond any memory": lambda batch, trailer: (
        setitem(batch.sizes, 0, 2**63),
        setattr(trailer, "total_size", trailer.total_size + 2**63 - 100),
    ),
    "first index": lambda batch, _: setattr(batch, "first_object_index", 1),
    "unknown type": lambda batch, _: setitem(batch.type_indexes, 0, 2),
    "unknown name": lambda batch, _: setitem(batch.edge_labels, 0, 2 << 4 | 1),
    "target past the end": lambda batch, _: setitem(batch.edge_targets, 0, 3 << 1 | 1),
    "target below zero": lambda batch, _: setitem(batch.edge_targets, 0, 9 << 1),
    "huge target": lambda batch, _: setitem(batch.edge_targets, 0, 2**64 - 1),
    "huge next index": lambda batch, _: setattr(batch, "next_object_index", 2**63),
    "even id": lambda batch, _: setitem(batch.id_deltas, 0, 102),
    "huge id": lambda batch, _: setitem(batch.id_deltas, 0, -(2**63)),
    "more edges than there are": lambda batch, _: setitem(batch.edge_counts, 0, 2**64 - 1),
    "fewer edges than there are": lambda batch, _: setitem(batch.edge_counts, 0, 1),
    "edge columns differ": lambda batch, _: batch.edge_labels.pop(),
    "object columns differ": lambda batch, _: batch.flags.pop(),
    "extra sizes differ": lambda batch, _: batch.extra_sizes.pop(),
    "continues nothing": lambda batch, _: (
        setitem(batch.edge_counts, 0, 0),
        setattr(batch, "continued_edge_count", 2),
    ),
    "root past the end": lambda batch, _: batch.roots.add(object_index=3),
    "more objects counted": lambda _, trailer: setattr(trailer, "object_count", 4),
    "fewer objects counted": lambda _, trailer: setattr(trailer, "object_count", 2),
    "objects that cannot fit": lambda _, trailer: setattr(trailer, "object_count", 2**31),
    "edges that cannot fit": lambda _, trailer: setattr(trailer, "edge_count", 2**63),
    "another total": lambda _, trailer: setattr(trailer, "total_size", 1),
    "more types counted": lambda _, trailer: setattr(trailer, "type_count", 3),
    "more names counted": lambda _, trailer: setattr(trailer, "name_count", 2),
}


@pytest.mark.parametrize("damage", CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_contradictions_under_a_right_hash_are_found(tmp_path: Path, damage: Damage) -> None:
    parts = stream(example_graph())
    damage(parts[1].batch, parts[-1].trailer)
    with pytest.raises(CorruptHeapGraphFile):
        read(tmp_path, sealed(parts))


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(pb.CaptureHeapSnapshotResponse(), id="nothing"),
        pytest.param(pb.CaptureHeapSnapshotResponse(header=default_header()), id="second header"),
        pytest.param(
            pb.CaptureHeapSnapshotResponse(trailer=pb.HeapGraphTrailer(object_count=3)),
            id="early trailer",
        ),
    ],
)
def test_parts_out_of_place_are_found(tmp_path: Path, part: pb.CaptureHeapSnapshotResponse) -> None:
    parts = stream(example_graph())
    with pytest.raises(CorruptHeapGraphFile):
        read(tmp_path, sealed([parts[0], part, *parts[1:]]))


@pytest.mark.parametrize(
    "field",
    [
        pytest.param(b"\x2a\x01\xff", id="name that is not UTF-8"),
        pytest.param(b"\x22\x02\x0a\x09", id="type that is cut off"),
        pytest.param(b"\x3a\x01\x80", id="column that is cut off"),
        pytest.param(b"\x42\x0b" + b"\xff" * 10 + b"\x01", id="number of 11 bytes"),
        pytest.param(b"\x42\x0a" + b"\xff" * 9 + b"\x02", id="number of 65 bits"),
        pytest.param(b"\x3a\x7f", id="field that is cut off"),
        pytest.param(b"\x07", id="wire type that does not exist"),
        pytest.param(b"\x00\x00", id="field with the number 0"),
    ],
)
def test_malformed_batches_are_found(tmp_path: Path, field: bytes) -> None:
    header, batch, trailer = (part.SerializeToString() for part in stream(example_graph()))
    content = batch[2:] if batch[1] < 0x80 else batch[3:]
    damaged = b"\x12" + _VarintBytes(len(content) + len(field)) + content + field
    body = b"".join(_VarintBytes(len(part)) + part for part in (header, damaged))
    last = pb.CaptureHeapSnapshotResponse.FromString(trailer)
    last.trailer.byte_count = len(body)
    with pytest.raises(CorruptHeapGraphFile):
        read(tmp_path, body + delimited(last))


def test_a_huge_length_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "some.heapgraph"
    path.write_bytes(delimited(stream(example_graph())[0]) + _VarintBytes(2**40) + bytes(100))
    script = (
        "import resource, sys\n"
        "from ops_client.errors import HeapGraphFileError\n"
        "from ops_client.heap_graph import read_heap_graph\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_heap_graph(sys.argv[1])\n"
        "except HeapGraphFileError as error: print(type(error).__name__)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=True
    )
    name, grown_kib = run.stdout.split()
    assert name == "CorruptHeapGraphFile"
    assert int(grown_kib) < 10_000


def test_what_is_no_readable_file_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(HeapGraphFileError, match="No such file"):
        read_heap_graph(tmp_path / "absent")
    with pytest.raises(HeapGraphFileError, match="directory"):
        read_heap_graph(tmp_path)
    with pytest.raises(NotAHeapGraphFile, match="regular"):
        read_heap_graph(os.devnull)


@pytest.mark.parametrize("few", [0, 50_000])
def test_late_edges_stand_where_they_belong(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "_FEW", few)
    monkeypatch.setattr(assembly, "_BLOCK", 7)
    chance = np.random.default_rng(3)
    for _ in range(200):
        used, late = int(chance.integers(0, 40)), int(chance.integers(0, 10))
        column = np.zeros(used + late, np.uint32)
        column[:used] = chance.integers(0, 99, used)
        places = np.sort(chance.integers(0, used + 1, late)).astype(np.int64)
        values = chance.integers(100, 199, late).astype(np.uint32)
        wanted = np.insert(column[:used].copy(), places, values)
        assembly._insert(column, used, places, values)
        assert column.tolist() == wanted.tolist()
