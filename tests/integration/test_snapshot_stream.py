"""CaptureHeapSnapshot over the wire: whole streams, stopped readers, callers that die."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import textwrap
import time

import grpc
import pytest
from fix_certs import Identity
from fix_host import Host, StartHost
from fix_status import status_of
from google.protobuf.duration_pb2 import Duration

from ops_service.v1 import heap_graph_pb2, heap_pb2
from ops_service.varint import delimited, varint

REQUEST = heap_pb2.CaptureHeapSnapshotRequest()

# Makes the graph larger than what gRPC reads ahead of the caller.
BALLAST = "ballast = [[i, str(i)] for i in range(600_000)]"


def test_a_whole_snapshot(host: Host, admin: Identity) -> None:
    call = host.channel(admin).unary_stream(
        "/ops_service.v1.MaintenanceService/CaptureHeapSnapshot"
    )
    raw = list(call(REQUEST.SerializeToString(), timeout=120))
    parts = [heap_graph_pb2.CaptureHeapSnapshotResponse.FromString(data) for data in raw]
    assert [part.WhichOneof("part") for part in parts] == [
        "header",
        *["batch"] * (len(parts) - 2),
        "trailer",
    ]
    header, trailer = parts[0].header, parts[-1].trailer
    assert header.process.instance_id == host.instance_id
    assert header.process.pid == host.pid
    assert header.format_version == 1
    assert header.content_level == heap_graph_pb2.CONTENT_LEVEL_NONE
    assert header.capture_mode == heap_graph_pb2.CAPTURE_MODE_FORKED
    assert header.gc_moment == heap_graph_pb2.GC_MOMENT_NOW
    assert abs(header.capture_time.ToNanoseconds() / 1e9 - time.time()) < 60
    assert header.clone_pause.ToNanoseconds() > 0
    assert header.allocated_block_count > 10_000
    memory = header.memory
    assert 0 < memory.python_in_use.bytes < memory.resident.bytes
    assert memory.resident.bytes == (
        memory.anonymous.bytes + memory.file_backed.bytes + memory.shared.bytes
    )

    file = b"".join(map(delimited, raw[:-1]))
    assert trailer.byte_count == len(file)
    assert trailer.sha256 == hashlib.sha256(file).digest()
    batches = [part.batch for part in parts[1:-1]]
    assert trailer.object_count == sum(len(batch.type_indexes) for batch in batches)
    assert trailer.edge_count == sum(
        len(batch.edge_targets) + len(batch.late_edge_targets) for batch in batches
    )
    assert trailer.total_size == sum(sum(batch.sizes) for batch in batches)
    assert max(len(data) for data in raw) < 1 << 20

    begin, end = host.wait_for_last_call("CaptureHeapSnapshot")
    assert begin["call_id"] == header.snapshot_id
    assert (end["code"], end["messages"]) == ("OK", len(raw))
    assert end["bytes"] == sum(map(len, raw))


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 16_383, 16_384, 1 << 32])
def test_lengths_are_written_as_protobuf_does(number: int) -> None:
    message = heap_graph_pb2.HeapGraphTrailer(object_count=number or 1)
    data = message.SerializeToString()
    assert data[1:] == varint(number or 1)
    assert varint(0) == b"\x00"


def test_after_a_collection(host: Host, admin: Identity) -> None:
    request = heap_pb2.CaptureHeapSnapshotRequest(gc_moment=heap_graph_pb2.GC_MOMENT_COLLECT_FIRST)
    before = host.run("import gc; answer = gc.get_stats()[2]['collections']")
    parts = list(host.stub(admin).CaptureHeapSnapshot(request, timeout=120))
    assert parts[0].header.gc_moment == heap_graph_pb2.GC_MOMENT_COLLECT_FIRST
    assert parts[-1].WhichOneof("part") == "trailer"
    assert host.run("import gc; answer = gc.get_stats()[2]['collections']") > before


def test_a_collection_that_does_not_come(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    host.run("import gc; gc.disable()")
    request = heap_pb2.CaptureHeapSnapshotRequest(
        gc_moment=heap_graph_pb2.GC_MOMENT_AFTER_NEXT_FULL_COLLECTION,
        gc_wait_limit=Duration(nanos=200_000_000),
    )
    with pytest.raises(grpc.RpcError) as raised:
        list(host.stub(admin).CaptureHeapSnapshot(request, timeout=120))
    status = status_of(raised.value)
    assert (status.code, status.reason) == (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "GC_MOMENT_MISSED",
    )
    assert host.run("answer = len(gc.callbacks)") == 0

    # If the caller goes away, the wait ends at once.
    request.gc_wait_limit.CopyFrom(Duration(seconds=3000))
    call = host.stub(admin).CaptureHeapSnapshot(request, timeout=120)
    host.wait_for("len(gc.callbacks) == 1")
    call.cancel()
    host.wait_for("not gc.callbacks", seconds=5)


def test_a_second_capture_is_refused(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    host.run(BALLAST)
    first = host.stub(admin).CaptureHeapSnapshot(REQUEST, timeout=120)
    assert next(first).WhichOneof("part") == "header"
    with pytest.raises(grpc.RpcError) as raised:
        list(host.stub(admin).CaptureHeapSnapshot(REQUEST, timeout=120))
    status = status_of(raised.value)
    assert (status.code, status.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BUSY")
    assert status.retry_delay is not None
    assert status.retry_delay > 0
    # The first capture is not disturbed.
    parts = list(first)
    assert parts[-1].WhichOneof("part") == "trailer"


def test_a_stopped_reader_is_freed(start_host: StartHost, admin: Identity) -> None:
    host = start_host(limits={"stall_seconds": 2.0})
    host.run(BALLAST)
    before = host.run("answer = peak_bytes()")
    stub = host.stub(admin)
    stopped = stub.CaptureHeapSnapshot(REQUEST, timeout=120)
    next(stopped)
    end = host.wait_for_last_call("CaptureHeapSnapshot")[-1]
    assert (end["code"], end["reason"]) == ("ABORTED", "STREAM_STALLED")
    host.wait_for("not children()", seconds=5)
    # The data that waits for a reader is bounded.
    assert host.run("answer = peak_bytes()") - before < 20 << 20
    # Its slot is free, and other callers are served.
    parts = list(stub.CaptureHeapSnapshot(REQUEST, timeout=120))
    assert parts[-1].WhichOneof("part") == "trailer"
    # When the reader goes on, it gets the error.
    with pytest.raises(grpc.RpcError) as raised:
        list(stopped)
    assert status_of(raised.value).reason == "STREAM_STALLED"


def test_a_caller_that_cancels(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    host.run(BALLAST)
    call = host.stub(admin).CaptureHeapSnapshot(REQUEST, timeout=120)
    next(call)
    assert host.run("answer = len(children())") == 1
    call.cancel()
    host.wait_for("not children()", seconds=5)
    end = host.wait_for_last_call("CaptureHeapSnapshot")[-1]
    assert end["code"] == "CANCELLED"
    host.assert_alive()


def test_a_caller_that_is_killed(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    host.run(BALLAST)
    program = textwrap.dedent(
        """
        import sys, time, grpc
        address, certificate, key, ca = sys.argv[1:]
        read = lambda path: open(path, "rb").read()
        credentials = grpc.ssl_channel_credentials(read(ca), read(key), read(certificate))
        channel = grpc.secure_channel(address, credentials)
        call = channel.unary_stream("/ops_service.v1.MaintenanceService/CaptureHeapSnapshot")
        responses = call(b"")
        next(responses)
        print("reading", flush=True)
        time.sleep(60)
        """
    )
    arguments = [host.address, admin.certificate, admin.private_key, admin.ca]
    with subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE
    ) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"reading\n"
        assert host.run("answer = len(children())") == 1
        caller.kill()
    host.wait_for("not children()", seconds=5)
    host.assert_alive()


def test_without_the_engine_it_says_so(start_host: StartHost, admin: Identity) -> None:
    host = start_host(serve=False, environment={"PYTHONPATH": ""})
    host.run("import sys; sys.modules['ops_service.heap._walker'] = None")
    host.start_service()
    with pytest.raises(grpc.RpcError) as raised:
        list(host.stub(admin).CaptureHeapSnapshot(REQUEST, timeout=120))
    status = status_of(raised.value)
    assert (status.code, status.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "ENGINE_UNAVAILABLE",
    )
    with pytest.raises(grpc.RpcError) as raised:
        host.stub(admin).SummarizeHeap(heap_pb2.SummarizeHeapRequest(), timeout=120)
    assert status_of(raised.value).reason == "ENGINE_UNAVAILABLE"
    reply = host.stub(admin).SummarizeHeap(
        heap_pb2.SummarizeHeapRequest(allow_pause=True, order=heap_pb2.HEAP_SUMMARY_ORDER_COUNT),
        timeout=30,
    )
    assert reply.method == heap_pb2.CENSUS_METHOD_OBJGRAPH
    counts = [row.count for row in reply.types]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 100
