"""WatchHeapGrowth over the wire."""

from __future__ import annotations

import grpc
import pytest
from fix_certs import Identity
from fix_host import Host, StartHost
from fix_status import status_of
from google.protobuf.duration_pb2 import Duration

from ops_service.v1 import growth_pb2, heap_pb2

INCONCLUSIVE = growth_pb2.HEAP_GROWTH_VERDICT_INCONCLUSIVE

LEAK = """
import threading, time
class Session:
    __slots__ = ("name",)
kept = []
def leak():
    while True:
        kept.extend(Session() for _ in range(50))
        time.sleep(0.01)
threading.Thread(target=leak, daemon=True).start()
"""

# Kills the next child of the process that appears, once.
KILL_NEXT_CHILD = """
import os, threading
killed = []
def kill_next():
    while not killed:
        for child in children():
            os.kill(int(child), 9)
            killed.append(child)
threading.Thread(target=kill_next, daemon=True).start()
"""


def watch(
    host: Host,
    identity: Identity,
    *,
    interval: float,
    duration: float,
    limit: int = 0,
    allow_pause: bool = False,
) -> grpc.Call:
    request = growth_pb2.WatchHeapGrowthRequest(limit=limit, allow_pause=allow_pause)
    request.interval.FromNanoseconds(int(interval * 1e9))
    request.duration.FromNanoseconds(int(duration * 1e9))
    return host.stub(identity).WatchHeapGrowth(request, timeout=120)


def test_a_type_that_grows_is_named(start_host: StartHost, viewer: Identity) -> None:
    host = start_host()
    host.run(LEAK)
    header, *reports, trailer = list(watch(host, viewer, interval=0.2, duration=1.0, limit=1000))
    assert header.header.process.instance_id == host.instance_id
    assert header.header.interval == Duration(nanos=200_000_000)
    assert header.header.duration == Duration(seconds=1)

    assert [part.report.sample_count for part in reports] == [1, 2, 3, 4, 5, 6]
    assert {part.report.verdict for part in reports} == {INCONCLUSIVE}
    assert not reports[0].report.types
    last = reports[-1].report
    (row,) = (row for row in last.types if row.type_name == "app.Session")
    assert row.count_difference > 0
    assert row.count >= row.count_difference
    assert row.size_difference == 40 * row.count_difference
    assert row.count_per_minute > 0
    assert row.size_per_minute == pytest.approx(40 * row.count_per_minute)
    assert last.method == heap_pb2.CENSUS_METHOD_FORKED_WALK
    assert last.object_count > 10_000
    assert last.total_size < last.resident_bytes
    assert last.clone_pause.ToNanoseconds() > 0
    slopes = [row.size_per_minute for row in last.types]
    assert slopes == sorted(slopes, reverse=True)

    assert trailer.trailer.sample_count == 6
    assert trailer.trailer.verdict == INCONCLUSIVE
    assert "grew over" in trailer.trailer.reason
    assert list(trailer.trailer.warnings) == []


def test_several_at_once(host: Host, viewer: Identity) -> None:
    watches = [watch(host, viewer, interval=0.1 * n, duration=0.6, limit=3) for n in (1, 2, 3)]
    for expected, call in zip((7, 4, 3), watches, strict=True):
        parts = list(call)
        assert parts[-1].trailer.sample_count == expected
        assert all(len(part.report.types) <= 3 for part in parts)
    host.assert_alive()


def test_a_failed_sample_is_a_warning(start_host: StartHost, viewer: Identity) -> None:
    host = start_host()
    call = watch(host, viewer, interval=0.3, duration=0.9)
    assert next(call).WhichOneof("part") == "header"
    assert next(call).report.sample_count == 1
    host.run(KILL_NEXT_CHILD)
    parts = list(call)
    trailer = parts[-1].trailer
    assert trailer.sample_count == 3
    (warning,) = trailer.warnings
    assert warning.startswith("Sample ")
    assert "was not taken: " in warning
    host.assert_alive()


def test_without_the_engine(start_host: StartHost, viewer: Identity) -> None:
    host = start_host(serve=False)
    host.run("import sys; sys.modules['ops_service.heap._walker'] = None")
    host.start_service()
    with pytest.raises(grpc.RpcError) as raised:
        list(watch(host, viewer, interval=0.1, duration=0.2))
    assert status_of(raised.value).reason == "ENGINE_UNAVAILABLE"

    *reports, _ = list(watch(host, viewer, interval=0.1, duration=0.2, allow_pause=True))[1:]
    assert {part.report.method for part in reports} == {heap_pb2.CENSUS_METHOD_OBJGRAPH}


def test_a_caller_that_cancels(start_host: StartHost, viewer: Identity) -> None:
    host = start_host()
    call = watch(host, viewer, interval=0.1, duration=3600)
    assert next(call).WhichOneof("part") == "header"
    assert next(call).report.sample_count == 1
    call.cancel()
    assert host.wait_for_records("WatchHeapGrowth", 2)[-1]["code"] == "CANCELLED"
