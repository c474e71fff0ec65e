"""A snapshot on its way to disk is whole, or not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from graph_writer import Graph, Node, file_bytes, stream

from ops_client._part_file import PartFile
from ops_client._snapshot_stream import CapturedSnapshot, CaptureProgress, SnapshotReceiver
from ops_client.errors import CorruptSnapshot, FileNotWritten, IncompleteSnapshot, SnapshotError
from ops_client.heap_graph import read_heap_graph
from ops_service.v1 import heap_graph_pb2 as pb

GRAPH = Graph(
    [pb.HeapType(qualified_name="list", kind=pb.HEAP_TYPE_KIND_PYTHON)],
    ["next"],
    [
        Node(id=11, flags=4, edges=[(1, pb.EDGE_KIND_ELEMENT, 0)]),
        Node(id=13, edges=[(0, pb.EDGE_KIND_ATTRIBUTE, 1)]),
    ],
)
OLD = b"what stood there before"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "some.heapgraph"
    path.write_bytes(OLD)
    return path


def messages() -> list[bytes]:
    return [part.SerializeToString() for part in stream(GRAPH, objects_per_batch=1)]


def download(path: Path, parts: list[bytes], progress: object = None) -> CapturedSnapshot:
    with PartFile(path) as file:
        receiver = SnapshotReceiver(file, progress)  # type: ignore[arg-type]
        for part in parts:
            receiver.receive(part)
        return receiver.finish()


def assert_untouched(path: Path) -> None:
    assert path.read_bytes() == OLD
    assert list(path.parent.iterdir()) == [path]


def test_a_whole_snapshot_replaces_the_file(target: Path) -> None:
    steps: list[CaptureProgress] = []
    snapshot = download(target, messages(), steps.append)
    assert target.read_bytes() == file_bytes(GRAPH, objects_per_batch=1)
    assert list(target.parent.iterdir()) == [target]
    assert target.stat().st_mode & 0o777 == 0o600
    assert snapshot.path == target
    assert snapshot.trailer == read_heap_graph(target).trailer
    assert [step.object_count for step in steps] == [0, 0, 1, 2]
    assert [step.bytes_written for step in steps] == sorted(step.bytes_written for step in steps)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_stream_without_a_trailer_is_incomplete(target: Path, count: int) -> None:
    with pytest.raises(IncompleteSnapshot, match="capture again"):
        download(target, messages()[:count])
    assert_untouched(target)


def test_a_missing_part_is_noticed(target: Path) -> None:
    parts = messages()
    with pytest.raises(CorruptSnapshot, match="bytes of the snapshot arrived"):
        download(target, [parts[0], *parts[2:]])
    assert_untouched(target)


def test_an_altered_part_is_noticed(target: Path) -> None:
    parts = messages()
    altered = bytearray(parts[1])
    altered[-1] ^= 1
    with pytest.raises(CorruptSnapshot, match="SHA-256"):
        download(target, [parts[0], bytes(altered), *parts[2:]])
    assert_untouched(target)


@pytest.mark.parametrize(
    "order", [[1, 0, 2, 3], [0, 0, 1, 2, 3], [3], [0, 1, 2, 3, 3], [0, 1, 2, 3, 1]], ids=str
)
def test_parts_out_of_order_are_noticed(target: Path, order: list[int]) -> None:
    parts = messages()
    with pytest.raises(CorruptSnapshot, match="out of order"):
        download(target, [parts[place] for place in order])
    assert_untouched(target)


@pytest.mark.parametrize("junk", [b"", b"\xff" * 20, b"\x0a\x05ab", b"\x0a\x02\x0a\x09"], ids=repr)
def test_junk_is_noticed(target: Path, junk: bytes) -> None:
    with pytest.raises(SnapshotError, match="damaged"):
        download(target, [junk])
    assert_untouched(target)


def test_a_full_disk_leaves_the_old_file(target: Path) -> None:
    # A separate process, because the limit on file sizes applies to the whole process.
    script = (
        "import resource, sys\n"
        "from ops_client._part_file import PartFile\n"
        "from ops_client.errors import FileNotWritten\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    with PartFile(sys.argv[1]) as file:\n"
        "        for _ in range(100): file.write(bytes(300))\n"
        "except FileNotWritten as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, target], capture_output=True, text=True, check=True
    )
    assert "was not written" in run.stdout
    assert_untouched(target)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotWritten, match="No such file or directory"):
        PartFile(tmp_path / "absent" / "some.heapgraph")
    with pytest.raises(FileNotWritten, match="is a directory"):
        PartFile(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileNotWritten, match="is a device or a pipe"):
        PartFile(tmp_path / "pipe")


def test_two_writers_of_one_path_do_not_mix(target: Path) -> None:
    with PartFile(target) as first, PartFile(target) as second:
        first.write(b"first")
        second.write(b"second")
        second.commit()
        assert target.read_bytes() == b"second"
        first.commit()
    assert target.read_bytes() == b"first"
    assert list(target.parent.iterdir()) == [target]
