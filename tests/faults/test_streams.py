"""Faults 29 to 34: streams that stall, break or lie."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import grpc
import pytest
from fix_certs import Identity
from fix_client import credentials_of
from fix_cut import Cut
from fix_fault_table import Line
from fix_host import Host, StartHost
from fix_http2 import Http2
from fix_status import status_of
from fix_watched import (
    BALLAST,
    FaultHost,
    measured_pause,
    under_watch,
    under_watch_to_its_end,
)

from ops_client import MaintenanceClient
from ops_client.errors import ConnectionFailed, CorruptHeapGraphFile, IncompleteSnapshot
from ops_client.heap_graph import read_heap_graph
from ops_service.v1 import heap_pb2

CAPTURE = "/ops_service.v1.MaintenanceService/CaptureHeapSnapshot"
REQUEST = heap_pb2.CaptureHeapSnapshotRequest()


@pytest.fixture(scope="module")
def large(start_shared_host: StartHost, admin: Identity) -> tuple[Host, float]:
    """A host whose snapshot takes a while, and the pause of a fork of it."""
    host = start_shared_host(limits={"stall_seconds": 1.0})
    host.run(BALLAST)
    return host, measured_pause(host, admin)


@pytest.fixture
def big(large: tuple[Host, float], control: Host, line: Line) -> FaultHost:
    """The host with the large heap, under watch for one fault."""
    with under_watch(large[0], control, line, large[1]) as watched:
        yield watched


def test_29_stopped_reader(big: FaultHost, admin: Identity) -> None:
    client = Http2(big.address, admin)
    # Its windows hold 64 KiB, and it never enlarges them.
    client.request(CAPTURE.encode())
    big.wait_for("children()")
    began = time.monotonic()
    record = big.wait_for_last_call("CaptureHeapSnapshot")[-1]
    assert (record["event"], record["reason"]) == ("end", "STREAM_STALLED")
    assert time.monotonic() - began < 10
    big.wait_for("not children()")
    client.close()


def test_30_client_killed_mid_walk(big: FaultHost, admin: Identity) -> None:
    taken = []
    # One of three must be in time: machines can be busy.
    for _ in range(3):
        client = Http2(big.address, admin)
        client.request(CAPTURE.encode())
        big.wait_for("children()")
        client.socket.close()
        began = time.monotonic()
        big.wait_for("not children()")
        taken.append(time.monotonic() - began)
        if taken[-1] < 1.0:
            return
    raise AssertionError(f"the child lived for {taken} seconds")


def test_31_connection_that_ends_mid_snapshot(
    start_host: StartHost,
    control: Host,
    line: Line,
    admin: Identity,
    cut: Cut,
    tmp_path: Path,
) -> None:
    host = start_host(store={"directory": str(tmp_path / "store")})
    # A snapshot stored on purpose stays, and so does its instance's file.
    with under_watch(host, control, line, measured_pause(host, admin), kept=r"\.heap$"):
        proxy = cut(host.address, [700_000, 1_500_000])
        credentials = credentials_of(admin)
        path = tmp_path / "a.heap"
        # gRPC tries a broken address again only after this long.
        with MaintenanceClient(proxy.address, credentials, connect_timeout=1.0) as client:
            captured = client.capture_heap_snapshot(path, store=True)
        assert proxy.connections >= 3
        data = path.read_bytes()[: captured.trailer.byte_count]
        assert hashlib.sha256(data).digest() == captured.trailer.sha256
        assert [each for each in tmp_path.iterdir() if each.name != "store"] == [path]


def test_32_no_trailer(
    start_host: StartHost, control: Host, line: Line, admin: Identity, tmp_path: Path
) -> None:
    host = start_host()
    host.run(BALLAST)

    def kill(progress: object) -> None:
        host.process.kill()
        host.process.wait()

    with (
        under_watch_to_its_end(host, control, line, measured_pause(host, admin)),
        MaintenanceClient(host.address, credentials_of(admin)) as client,
        pytest.raises((IncompleteSnapshot, ConnectionFailed)),
    ):
        client.capture_heap_snapshot(tmp_path / "a.heap", progress=kill)
    assert not (tmp_path / "a.heap").exists()
    assert list(tmp_path.iterdir()) == []


def test_33_altered_snapshot(fault: FaultHost, admin: Identity, tmp_path: Path) -> None:
    path = tmp_path / "a.heap"
    with MaintenanceClient(fault.address, credentials_of(admin)) as client:
        client.capture_heap_snapshot(path)
    whole = path.read_bytes()
    read_heap_graph(path)
    for number in range(1, 8):
        at = len(whole) * number // 9
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :])
        with pytest.raises(CorruptHeapGraphFile):
            read_heap_graph(path)


def test_34_two_captures(big: FaultHost, admin: Identity) -> None:
    client = Http2(big.address, admin)
    client.request(CAPTURE.encode())
    big.wait_for("children()")
    refused = []
    for _ in range(3):
        call = big.stub(admin).CaptureHeapSnapshot(REQUEST, timeout=60)
        try:
            list(call)
        except grpc.RpcError as error:
            refused.append(status_of(error))
            break
    client.close()
    assert refused
    assert refused[0].code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refused[0].retry_delay is not None
