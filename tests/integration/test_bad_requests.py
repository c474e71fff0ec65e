"""Requests that are invalid, too large, or never arrive."""

from __future__ import annotations

import threading

import grpc
import pytest
from fix_certs import CertificateAuthority, Identity, uri
from fix_host import Host, StartHost
from fix_status import Status, status_of
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from ops_service.v1 import growth_pb2, heap_pb2, process_pb2, repl_pb2

SERVICE = "/ops_service.v1.MaintenanceService"


def refusal(host: Host, identity: Identity, method: str, request: Message | bytes) -> Status:
    """Call a method by name with a request that must be refused."""
    data = request if isinstance(request, bytes) else request.SerializeToString()
    call = host.channel(identity).unary_stream(f"{SERVICE}/{method}")
    with pytest.raises(grpc.RpcError) as raised:
        list(call(data, timeout=120))
    host.assert_alive()
    return status_of(raised.value)


@pytest.mark.parametrize("path", [f"{SERVICE}/Missing", "/a.B/C", "/", "/x"])
def test_unknown_method(host: Host, admin: Identity, path: str) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        host.channel(admin).unary_unary(path)(b"", timeout=120)
    status = status_of(raised.value)
    assert (status.code, status.reason) == (grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD")


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("CaptureHeapSnapshot", heap_pb2.CaptureHeapSnapshotRequest(content_level=99)),
        ("CaptureHeapSnapshot", heap_pb2.CaptureHeapSnapshotRequest(gc_moment=7)),
        ("SummarizeHeap", heap_pb2.SummarizeHeapRequest(order=-1)),
        ("OpenRepl", repl_pb2.OpenReplRequest(open=repl_pb2.ReplOpen(place=-262145))),
    ],
)
def test_unknown_enum_value(host: Host, admin: Identity, method: str, request_: Message) -> None:
    status = refusal(host, admin, method, request_)
    assert (status.code, status.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert status.details["field"] in ("content_level", "gc_moment", "order", "place")
    assert "choose from" in status.message


def seconds(value: float) -> Duration:
    message = Duration()
    message.FromNanoseconds(int(value * 1e9))
    return message


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("SummarizeHeap", heap_pb2.SummarizeHeapRequest(limit=10_001), "limit"),
        ("SummarizeHeap", heap_pb2.SummarizeHeapRequest(limit=(1 << 32) - 1), "limit"),
        (
            "CaptureHeapSnapshot",
            heap_pb2.CaptureHeapSnapshotRequest(gc_wait_limit=seconds(-1)),
            "gc_wait_limit",
        ),
        (
            "CaptureHeapSnapshot",
            heap_pb2.CaptureHeapSnapshotRequest(gc_wait_limit=seconds(3601)),
            "gc_wait_limit",
        ),
        *(
            ("WatchHeapGrowth", growth_pb2.WatchHeapGrowthRequest(interval=seconds(s)), "interval")
            for s in (0, -1, 0.09, 3601, 10**9)
        ),
        *(
            ("WatchHeapGrowth", growth_pb2.WatchHeapGrowthRequest(duration=seconds(s)), "duration")
            for s in (0, -5, 19, 24 * 3600 + 1)
        ),
        ("WatchHeapGrowth", growth_pb2.WatchHeapGrowthRequest(limit=1001), "limit"),
    ],
)
def test_value_out_of_bounds(
    host: Host, admin: Identity, method: str, request_: Message, field: str
) -> None:
    status = refusal(host, admin, method, request_)
    assert (status.code, status.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert status.details["field"] == field
    assert "choose" in status.message


@pytest.mark.parametrize("nanos", [10**9, -1, -(10**9)])
def test_impossible_duration(host: Host, admin: Identity, nanos: int) -> None:
    request = growth_pb2.WatchHeapGrowthRequest(interval=Duration(seconds=10, nanos=nanos))
    assert refusal(host, admin, "WatchHeapGrowth", request).reason == "INVALID_REQUEST"
    request = growth_pb2.WatchHeapGrowthRequest(interval=Duration(seconds=1 << 62))
    assert refusal(host, admin, "WatchHeapGrowth", request).reason == "INVALID_REQUEST"


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xc3\x28"])
def test_junk(host: Host, admin: Identity, data: bytes) -> None:
    status = refusal(host, admin, "GetProcess", data)
    assert (status.code, status.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")


def test_call_without_a_message(host: Host, admin: Identity) -> None:
    call = host.channel(admin).stream_unary(f"{SERVICE}/GetProcess")
    with pytest.raises(grpc.RpcError) as raised:
        call(iter([]), timeout=120)
    assert status_of(raised.value).reason == "INVALID_REQUEST"


def test_another_process_is_pinned(host: Host, admin: Identity) -> None:
    right = process_pb2.GetProcessRequest(instance_id=host.instance_id)
    assert host.stub(admin).GetProcess(right, timeout=120).process.pid == host.pid
    for method in ("GetPrincipal", "GetProcess", "SummarizeHeap", "EvaluateCode"):
        status = refusal(host, admin, method, process_pb2.GetProcessRequest(instance_id="another"))
        assert (status.code, status.reason) == (grpc.StatusCode.ABORTED, "WRONG_PROCESS")
        assert status.details["instance_id"] == host.instance_id


def test_too_large_a_message(host: Host, admin: Identity) -> None:
    call = host.channel(admin).unary_stream(f"{SERVICE}/EvaluateCode")
    with pytest.raises(grpc.RpcError) as raised:
        list(call(b"\x12" + b"\x00" * (5 << 20), timeout=120))
    # gRPC itself refuses it, before parsing any of it.
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    host.assert_alive()


def test_too_much_metadata(host: Host, admin: Identity) -> None:
    channel = host.channel(admin)
    stub = channel.unary_unary(f"{SERVICE}/GetPrincipal")
    # On a new connection: the client cannot know the server's limits yet.
    with pytest.raises(grpc.RpcError) as raised:
        stub(b"", metadata=[("x-big", "x" * 12_000)], timeout=120)
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    with pytest.raises(grpc.RpcError) as raised:
        stub(b"", metadata=[("x-big", "x" * 100_000)], timeout=120)
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    stub(b"", metadata=[("x-small", "x" * 1_000)], timeout=120)


def test_many_small_metadata(host: Host, admin: Identity) -> None:
    call = host.channel(admin).unary_unary(f"{SERVICE}/GetPrincipal")
    with pytest.raises(grpc.RpcError) as raised:
        call(b"", metadata=[(f"x-{i}", "") for i in range(230)], timeout=120)
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    host.assert_alive()


def test_a_request_that_never_comes(start_host: StartHost, admin: Identity) -> None:
    host = start_host(limits={"request_seconds": 0.3})
    call = host.channel(admin).stream_unary(f"{SERVICE}/GetProcess")
    never = threading.Event()
    with pytest.raises(grpc.RpcError) as raised:
        call(iter(never.wait, True), timeout=120)
    status = status_of(raised.value)
    assert (status.code, status.reason) == (grpc.StatusCode.ABORTED, "STREAM_STALLED")
    never.set()


def test_slots_are_per_principal_and_health_has_its_own(
    start_host: StartHost, admin: Identity, viewer: Identity, authority: CertificateAuthority
) -> None:
    host = start_host(limits={"calls": 4, "calls_per_principal": 3, "streams_per_principal": 2})
    stranger = authority.issue("stranger", uri("spiffe://test.example/stranger"))
    request = growth_pb2.WatchHeapGrowthRequest()
    streams = [host.stub(admin).WatchHeapGrowth(request, timeout=120) for _ in range(2)]
    for stream in streams:
        assert next(stream).WhichOneof("part") == "header"

    status = refusal(host, admin, "WatchHeapGrowth", request)
    assert (status.code, status.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BUSY")
    assert status.retry_delay == 1.0
    # One other call and the streams of other callers are not affected.
    host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    others = [host.stub(viewer).WatchHeapGrowth(request, timeout=120) for _ in range(2)]
    for stream in others:
        assert next(stream).WhichOneof("part") == "header"

    # All four are in use now, and health still answers.
    assert refusal(host, viewer, "GetProcess", b"").reason == "BUSY"
    reply = HealthStub(host.channel(stranger)).Check(health_pb2.HealthCheckRequest(), timeout=120)
    assert reply.status == health_pb2.HealthCheckResponse.SERVING

    for stream in streams + others:
        stream.cancel()
    host.wait_for_records("WatchHeapGrowth", 9)
    host.stub(viewer).GetProcess(process_pb2.GetProcessRequest(), timeout=120)


def test_a_method_that_a_foreign_service_does_not_implement(host: Host, admin: Identity) -> None:
    # Newer contracts of the health service have this method, but grpcio does not implement it.
    call = host.channel(admin).unary_unary("/grpc.health.v1.Health/List")
    with pytest.raises(grpc.RpcError) as raised:
        call(b"", timeout=60)
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
    host.assert_alive()
