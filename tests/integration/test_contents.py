"""Contents over the wire: who may read them, and where a secret can appear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from fix_certs import CertificateAuthority, Identity, uri
from fix_client import credentials_of
from fix_host import Host, StartHost
from fix_status import status_of

from ops_client import MaintenanceClient
from ops_client.heap_graph import HeapGraph, read_heap_graph
from ops_service.v1 import heap_graph_pb2 as pb
from ops_service.v1 import heap_pb2

# Not identifiers: a name in code may appear at every level.
VALUE, KEY = "pa55-the-value", "k3y-the-account"
LONG = "-and-what-follows-it" * 10

PLANT = f"""
value, key = {VALUE!r}, {KEY!r}
number = int.from_bytes(value.encode(), "big")
try:
    raise LookupError(value + "-in-an-exception")
except LookupError as error:
    failed = error
class Held:
    pass
held = Held()
held.planted = [
    value + {LONG!r}, value.encode() + b"-as-bytes", number, failed, {{key: [value + "-below"]}},
    {{(key + "-in-a-pair", 1): 1}},
]
# What compiled this source knows its text; the application would not hold it.
import linecache; linecache.clearcache()
del value, key, number, failed
"""


@pytest.fixture(scope="module")
def planted(start_shared_host: StartHost) -> Host:
    host = start_shared_host()
    host.run(PLANT)
    return host


def capture(host: Host, admin: Identity, file: Path, **options: Any) -> HeapGraph:
    with MaintenanceClient(host.address, credentials_of(admin)) as client:
        client.capture_heap_snapshot(file, **options)
    return read_heap_graph(file)


def number_of(text: str) -> bytes:
    return str(int.from_bytes(text.encode(), "big")).encode()


def test_a_secret_shows_nowhere_at_none(planted: Host, admin: Identity, tmp_path: Path) -> None:
    graph = capture(planted, admin, tmp_path / "none")
    assert len(graph.contents) == len(graph.string_hashes) == 0
    assert graph.header.content_limit == 0
    assert_secret_free((tmp_path / "none").read_bytes(), VALUE, KEY)
    hashed = capture(planted, admin, tmp_path / "hashed", hash_strings=True)
    assert hashed.header.strings_hashed
    assert len(hashed.string_hashes) > 1000
    assert_secret_free((tmp_path / "hashed").read_bytes(), VALUE, KEY)


def assert_secret_free(data: bytes, *secrets: str) -> None:
    assert b"planted" in data or b"CaptureHeapSnapshot" in data
    for secret in secrets:
        forms = (secret.encode(), secret.encode("utf-16-le"), number_of(secret))
        assert [form for form in forms if form in data] == []


def test_keys_show_keys_alone(planted: Host, admin: Identity, tmp_path: Path) -> None:
    graph = capture(planted, admin, tmp_path / "keys", content_level=pb.CONTENT_LEVEL_KEYS)
    data = (tmp_path / "keys").read_bytes()
    assert graph.header.content_level == pb.CONTENT_LEVEL_KEYS
    assert KEY.encode() in data
    assert f"{KEY}-in-a-pair".encode() in data
    assert_secret_free(data, VALUE)
    texts = {graph.contents.at(place).text() for place in range(len(graph.contents))}
    assert KEY in texts
    # The key names its value's edge.
    named = {
        graph.content_text(key)
        for edge in range(graph.edge_count)
        if graph.edge_kinds[edge] == pb.EDGE_KIND_VALUE and (key := graph.key_of(edge)) is not None
    }
    assert {KEY, f"('{KEY}-in-a-pair', 1)"} <= named


def test_values_are_cut_at_the_limit(planted: Host, admin: Identity, tmp_path: Path) -> None:
    capture(
        planted,
        admin,
        tmp_path / "values",
        content_level=pb.CONTENT_LEVEL_VALUES,
        content_limit=40,
    )
    data = (tmp_path / "values").read_bytes()
    whole = VALUE + LONG
    assert whole[:40].encode() in data
    assert whole[:41].encode() not in data
    assert f"{VALUE}-as-bytes".encode() in data
    assert f"{VALUE}-in-an-exception".encode() in data
    assert number_of(VALUE) in data


def test_logs_audit_and_status_hold_no_contents(
    planted: Host, admin: Identity, tmp_path: Path
) -> None:
    capture(planted, admin, tmp_path / "some", content_level=pb.CONTENT_LEVEL_VALUES)
    begin = planted.wait_for_last_call("CaptureHeapSnapshot")[0]
    assert begin["request"]["content_level"] == "CONTENT_LEVEL_VALUES"
    assert_secret_free(planted.audit_file.read_bytes(), VALUE, KEY)
    planted.assert_printed_nothing()
    request = heap_pb2.CaptureHeapSnapshotRequest(
        content_level=pb.CONTENT_LEVEL_VALUES, content_limit=4097
    )
    with pytest.raises(grpc.RpcError) as raised:
        list(planted.stub(admin).CaptureHeapSnapshot(request, timeout=120))
    status = status_of(raised.value)
    assert (status.code, status.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert status.message == "content_limit is 4097; choose at most 4096."
    assert VALUE not in str(raised.value)


# The object's header lies in a page that a clone does not get: a child faults on it, twice.
FAULT = """
import ctypes, mmap, struct
class Headless:
    __slots__ = ("slot",)
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
first = 0x2000_0000_0000
flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
access = mmap.PROT_READ | mmap.PROT_WRITE
assert libc.mmap(ctypes.c_void_p(first), 8192, access, flags, -1, 0) == first
assert libc.madvise(ctypes.c_void_p(first), 4096, mmap.MADV_DONTFORK) == 0
ctypes.memmove(first + 4096, struct.pack("nPP", 1 << 28, id(Headless), 0), 24)
faulty = [ctypes.cast(first + 4096, ctypes.py_object).value]
"""


def test_the_status_of_a_fault_names_the_type_and_no_content(
    start_host: StartHost, admin: Identity
) -> None:
    host = start_host()
    host.run(PLANT)
    host.run(FAULT)
    with pytest.raises(grpc.RpcError) as raised:
        list(
            host.stub(admin).CaptureHeapSnapshot(heap_pb2.CaptureHeapSnapshotRequest(), timeout=90)
        )
    status = status_of(raised.value)
    assert (status.code, status.reason) == (grpc.StatusCode.INTERNAL, "WALK_FAILED")
    assert status.details["type_name"] == "app.Headless"
    assert "app.Headless" in status.message
    host.wait_for_last_call("CaptureHeapSnapshot")
    # The log gives the operators the address. Nobody gets contents.
    logged = host.output_file.read_bytes()
    assert b"app.Headless" in logged
    for data in (logged, host.audit_file.read_bytes(), str(raised.value).encode()):
        assert VALUE.encode() not in data
        assert KEY.encode() not in data
        assert number_of(VALUE) not in data
    host.assert_alive()


@pytest.mark.parametrize(
    "request_",
    [
        heap_pb2.CaptureHeapSnapshotRequest(content_level=pb.CONTENT_LEVEL_KEYS),
        heap_pb2.CaptureHeapSnapshotRequest(content_level=pb.CONTENT_LEVEL_VALUES),
        heap_pb2.CaptureHeapSnapshotRequest(hash_strings=True),
    ],
    ids=["keys", "values", "hashes"],
)
def test_contents_need_a_capability_of_their_own(
    start_shared_host: StartHost,
    authority: CertificateAuthority,
    request_: heap_pb2.CaptureHeapSnapshotRequest,
) -> None:
    name = "spiffe://test.example/reader"
    reader = authority.issue("reader", uri(name))
    host = start_shared_host(grants=[{"principal": name, "capabilities": ["READ_HEAP"]}])
    with pytest.raises(grpc.RpcError) as raised:
        list(host.stub(reader).CaptureHeapSnapshot(request_, timeout=120))
    status = status_of(raised.value)
    assert status.code == grpc.StatusCode.PERMISSION_DENIED
    assert status.details["missing_capability"] == "READ_CONTENT"
    host.close()
