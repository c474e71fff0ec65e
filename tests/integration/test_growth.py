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
NO_LEAK = growth_pb2.HEAP_GROWTH_VERDICT_NO_LEAK
LEAK = growth_pb2.HEAP_GROWTH_VERDICT_LEAK
OUTSIDE = growth_pb2.HEAP_GROWTH_VERDICT_OUTSIDE_PYTHON

# Leaks under a key of a module's dict, next to work that does not leak.
LEAKING = """
import sys, threading, time, types
shop = types.ModuleType("shop")
sys.modules["shop"] = shop
exec('''
class Session:
    def __init__(self, number):
        self.number = number
        self.flags = {"secure": number}
REGISTRY = {}
CURRENT = []
''', shop.__dict__)
def leak():
    while True:
        shop.REGISTRY[f"s-{len(shop.REGISTRY)}"] = shop.Session(len(shop.REGISTRY))
        shop.CURRENT.append(object())
        if len(shop.CURRENT) > 37:
            shop.CURRENT.clear()
        time.sleep(0.002)
threading.Thread(target=leak, daemon=True).start()
"""

# Memory that only C code knows.
LEAKING_OUTSIDE = """
import ctypes, threading, time
malloc, memset = ctypes.CDLL(None).malloc, ctypes.CDLL(None).memset
malloc.restype, malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
memset.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
def leak():
    while True:
        memset(malloc(20000), 1, 20000)
        time.sleep(0.002)
threading.Thread(target=leak, daemon=True).start()
"""

# Kills the next child process that appears, once.
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
    host: Host, identity: Identity, *, interval: float, duration: float, **fields: object
) -> grpc.Call:
    request = growth_pb2.WatchHeapGrowthRequest(**fields)
    request.interval.FromNanoseconds(int(interval * 1e9))
    request.duration.FromNanoseconds(int(duration * 1e9))
    return host.stub(identity).WatchHeapGrowth(request, timeout=120)


@pytest.mark.long
def test_a_leak_is_named_with_its_holder(start_host: StartHost, viewer: Identity) -> None:
    host = start_host()
    host.run(LEAKING)
    header, *reports, trailer = list(watch(host, viewer, interval=0.4, duration=4.8))
    assert header.header.process.instance_id == host.instance_id
    assert header.header.interval == Duration(nanos=400_000_000)

    assert [part.report.sample_count for part in reports] == list(range(1, len(reports) + 1))
    assert {part.report.verdict for part in reports[:5]} == {INCONCLUSIVE}
    assert reports[0].report.missing == "5 more samples"
    last = reports[-1].report
    assert last.verdict == LEAK, last.reason
    suspect = last.suspects[0]
    assert suspect.type_name == "shop.Session"
    assert {"dict", "str"} <= set(suspect.also)
    assert suspect.holder.path == "shop.REGISTRY (dict)"
    assert suspect.holder.root == "modules"
    assert [(step.name, step.type_name) for step in suspect.holder.steps] == [
        ("shop", "module"),
        ("REGISTRY", "dict"),
    ]
    assert list(suspect.holder.lengths) == sorted(suspect.holder.lengths)
    assert suspect.sample_path == "shop.REGISTRY[…] (shop.Session)"
    rate = suspect.count_per_minute
    assert 0 < rate.low <= rate.rate <= rate.high
    assert suspect.size_per_minute.rate > 200 * rate.rate
    assert len(suspect.counts) == len(reports)
    row = next(row for row in last.types if row.type_name == "shop.Session")
    assert row.count_difference == suspect.counts[-1] - suspect.counts[0]
    assert last.method == heap_pb2.CENSUS_METHOD_FORKED_WALK
    assert last.object_count > 10_000
    assert last.total_size < last.resident_bytes
    assert last.clone_pause.ToNanoseconds() > 0

    # A machine without time may take fewer samples than planned.
    assert 6 <= trailer.trailer.sample_count == len(reports) <= 13
    assert trailer.trailer.verdict == LEAK
    assert "held by shop.REGISTRY (dict)" in trailer.trailer.reason
    assert list(trailer.trailer.warnings) == []


@pytest.mark.long
def test_growth_outside_python_blames_no_type(start_host: StartHost, viewer: Identity) -> None:
    host = start_host()
    host.run(LEAKING_OUTSIDE)
    *_, last, trailer = list(watch(host, viewer, interval=0.4, duration=4.8))
    assert trailer.trailer.verdict == OUTSIDE, trailer.trailer.reason
    assert not last.report.suspects
    part = last.report.outside[0]
    assert part.part == growth_pb2.OUTSIDE_PART_MALLOC
    assert part.bytes_per_minute.rate > 1_000_000
    assert "memray" in part.advice


@pytest.mark.long
def test_a_busy_host_does_not_leak(host: Host, viewer: Identity) -> None:
    *_, trailer = list(watch(host, viewer, interval=0.4, duration=4.8))
    assert trailer.trailer.verdict == NO_LEAK, trailer.trailer.reason


def test_a_baseline_is_kept_and_compared_with(host: Host, viewer: Identity) -> None:
    host.run("import sys; sys.kept = []")
    *_, trailer = list(watch(host, viewer, interval=0.1, duration=0.2, keep_baseline=True))
    identifier = trailer.trailer.baseline_id
    host.run("sys.kept += [type('Kept', (), {'__module__': 'app'})() for _ in range(100)]")
    parts = list(watch(host, viewer, interval=0.1, duration=0.2, baseline_id=identifier))
    report = parts[-2].report
    rows = {row.type_name: row.count_difference for row in report.types_since_baseline}
    assert rows["app.Kept"] == 100
    held = {
        each.type_name: (each.holder.path, each.counts[-1] - each.counts[0])
        for each in report.suspects_since_baseline
    }
    assert held["app.Kept"] == ("sys.kept (list)", 100)
    assert report.verdict == INCONCLUSIVE
    assert report.baseline_time.ToNanoseconds() < report.sample_time.ToNanoseconds()

    with pytest.raises(grpc.RpcError) as raised:
        list(watch(host, viewer, interval=0.1, duration=0.2, baseline_id="of another process"))
    assert status_of(raised.value).reason == "INVALID_REQUEST"


@pytest.mark.long
def test_what_stopped_growing_since_a_baseline(host: Host, viewer: Identity) -> None:
    host.run("import sys; sys.kept = []; Kept = type('Kept', (), {'__module__': 'app'})")
    *_, trailer = list(watch(host, viewer, interval=0.1, duration=0.2, keep_baseline=True))
    host.run("sys.kept += [Kept() for _ in range(5000)]")
    reason = ""
    # It can be decided once the baseline is older than such a watch takes.
    for _ in range(10):
        *_, last, _ = watch(
            host, viewer, interval=0.1, duration=0.8, baseline_id=trailer.trailer.baseline_id
        )
        (suspect,) = [
            each for each in last.report.suspects_since_baseline if each.type_name == "app.Kept"
        ]
        assert [each.at_most for each in suspect.survivors] == [0]
        reason = last.report.reason_since_baseline
        if "has stopped" in reason:
            break
    assert "app.Kept: 0 -> 5,000" in reason
    assert last.report.verdict != LEAK


@pytest.mark.long
def test_twenty_watchers_share_samples(start_host: StartHost, admin: Identity) -> None:
    host = start_host(limits={"streams_per_principal": 32, "calls_per_principal": 32})
    host.run(
        "import ops_service.heap._walker as walker\n"
        "started, start = [], walker.start\n"
        "def counted(**arguments):\n"
        "    started.append(1)\n"
        "    return start(**arguments)\n"
        "walker.start = counted"
    )
    watches = [watch(host, admin, interval=1.0, duration=3.0, limit=3) for _ in range(20)]
    for call in watches:
        *_, trailer = list(call)
        # Fewer if the machine has no time.
        assert 2 <= trailer.trailer.sample_count <= 4
    # Each of them alone would take 4, and the engine's proof takes one.
    assert host.run("answer = len(started)") < 40
    host.assert_alive()


@pytest.mark.long
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

    host.run(LEAKING)
    parts = list(watch(host, viewer, interval=0.4, duration=4.0, allow_pause=True))
    report = parts[-2].report
    assert report.method == heap_pb2.CENSUS_METHOD_OBJGRAPH
    rows = {row.type_name: row for row in report.types}
    assert rows["shop.Session"].count_difference > 0
    assert not any(name.startswith("ops_service") for name in rows)
    assert {each.holder.path for each in report.suspects} <= {"a path that is not known"}


def test_a_caller_that_cancels(start_host: StartHost, viewer: Identity) -> None:
    host = start_host()
    call = watch(host, viewer, interval=0.1, duration=3600)
    assert next(call).WhichOneof("part") == "header"
    assert next(call).report.sample_count == 1
    call.cancel()
    assert host.wait_for_last_call("WatchHeapGrowth")[-1]["code"] == "CANCELLED"
