"""Snapshots from a real host process, through the typed clients."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from pathlib import Path

import pytest
from eventually import eventually
from fix_certs import Identity
from fix_client import Connect, credentials_of
from fix_host import Host, StartHost

from ops_client import AsyncMaintenanceClient, CaptureProgress, MaintenanceClient
from ops_client.devtools import write_heapsnapshot
from ops_client.errors import Busy, ConnectionFailed, FileNotWritten, IncompleteSnapshot
from ops_client.heap_graph import read_heap_graph, type_name
from ops_service.heap.engine import engine_status
from ops_service.v1 import heap_graph_pb2, heap_pb2

needs_engine = pytest.mark.skipif(
    not engine_status().available, reason=f"no snapshot engine: {engine_status().reason}"
)
OLD = b"what stood there before"
BALLAST = 400_000


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "some.heapgraph"
    path.write_bytes(OLD)
    return path


@pytest.fixture(scope="module")
def large_host(start_shared_host: StartHost) -> Host:
    """A host whose snapshot takes many messages."""
    host = start_shared_host()
    host.run(
        f"__name__ = 'shop'\n"
        f"class Ballast:\n"
        f"    __slots__ = ('number',)\n"
        f"    def __init__(self, number): self.number = number\n"
        f"ballast = [Ballast(1000.0 + number) for number in range({BALLAST})]\n"
    )
    return host


def assert_untouched(path: Path) -> None:
    assert path.read_bytes() == OLD
    assert list(path.parent.iterdir()) == [path]


def wait_for_the_slot(host: Host, admin: Identity, target: Path) -> None:
    """Capture once the server has noticed that a caller went away."""
    with MaintenanceClient(host.address, credentials_of(admin)) as client:

        def captured() -> bool:
            try:
                client.capture_heap_snapshot(target)
            except Busy:
                return False
            return True

        eventually(captured, "the slot was never given back", within=10)


@needs_engine
def test_a_snapshot_arrives_whole_and_can_be_read(
    connect: Connect, large_host: Host, admin: Identity, target: Path
) -> None:
    steps: list[CaptureProgress] = []
    snapshot = connect(large_host.address, credentials_of(admin)).capture_heap_snapshot(
        target, progress=steps.append
    )
    assert snapshot.header.process.pid == large_host.pid
    assert list(target.parent.iterdir()) == [target]
    data = target.read_bytes()[: snapshot.trailer.byte_count]
    assert hashlib.sha256(data).digest() == snapshot.trailer.sha256
    assert len(steps) > 10
    assert steps[-1].object_count == snapshot.trailer.object_count
    assert 0.2 < steps[-1].expected_object_count / snapshot.trailer.object_count < 5

    graph = read_heap_graph(target)
    assert graph.header == snapshot.header
    counts = Counter(graph.type_indexes.tolist())
    names = {type_name(each): counts[index] for index, each in enumerate(graph.types)}
    assert names["shop.Ballast"] == BALLAST
    assert names["float"] >= BALLAST

    chrome = target.with_suffix(".heapsnapshot")
    write_heapsnapshot(graph, chrome)
    assert chrome.stat().st_size > graph.object_count * 20
    large_host.assert_alive()


@needs_engine
def test_the_census_agrees(connect: Connect, large_host: Host, admin: Identity) -> None:
    reply = connect(large_host.address, credentials_of(admin)).summarize_heap(
        limit=5, order=heap_pb2.HEAP_SUMMARY_ORDER_COUNT
    )
    counts = {each.type_name: each.count for each in reply.types}
    assert counts["shop.Ballast"] == BALLAST
    assert [each.count for each in reply.types] == sorted(counts.values(), reverse=True)


@needs_engine
def test_a_collection_can_come_first(
    connect: Connect, host: Host, admin: Identity, target: Path
) -> None:
    snapshot = connect(host.address, credentials_of(admin)).capture_heap_snapshot(
        target, gc_moment=heap_graph_pb2.GC_MOMENT_COLLECT_FIRST
    )
    assert snapshot.header.gc_moment == heap_graph_pb2.GC_MOMENT_COLLECT_FIRST


@needs_engine
def test_a_process_that_dies_leaves_no_file(
    connect: Connect, start_host: StartHost, admin: Identity, target: Path
) -> None:
    host = start_host()
    host.run(f"ballast = [[number] for number in range({BALLAST})]")

    def kill_at_the_first_batch(now: CaptureProgress) -> None:
        if now.object_count:
            host.process.kill()

    client = connect(host.address, credentials_of(admin), connect_timeout=2.0)
    with pytest.raises(IncompleteSnapshot, match="ended early, after") as caught:
        client.capture_heap_snapshot(target, progress=kill_at_the_first_batch)
    assert isinstance(caught.value.__cause__, ConnectionFailed)
    assert_untouched(target)


@needs_engine
def test_a_capture_that_is_interrupted_leaves_no_file(
    connect: Connect, large_host: Host, admin: Identity, target: Path
) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(now: CaptureProgress) -> None:
        if now.object_count:
            raise Interrupted

    client = connect(large_host.address, credentials_of(admin))
    with pytest.raises(Interrupted):
        client.capture_heap_snapshot(target, progress=interrupt)
    assert_untouched(target)
    wait_for_the_slot(large_host, admin, target)


@needs_engine
def test_a_cancelled_task_leaves_no_file(large_host: Host, admin: Identity, target: Path) -> None:
    async def scenario() -> None:
        async with AsyncMaintenanceClient(large_host.address, credentials_of(admin)) as client:
            loop = asyncio.get_running_loop()
            began = asyncio.Event()

            def tell(now: CaptureProgress) -> None:
                if now.object_count:
                    loop.call_soon_threadsafe(began.set)

            task = asyncio.create_task(client.capture_heap_snapshot(target, progress=tell))
            await began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(scenario())
    assert_untouched(target)
    wait_for_the_slot(large_host, admin, target)
    large_host.assert_alive()


@needs_engine
def test_the_loop_keeps_turning_during_a_capture(
    large_host: Host, admin: Identity, target: Path
) -> None:
    async def scenario() -> int:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        async with AsyncMaintenanceClient(large_host.address, credentials_of(admin)) as client:
            turning = asyncio.create_task(turn())
            await client.capture_heap_snapshot(target)
            turning.cancel()
        return turns

    assert asyncio.run(scenario()) > 100


def test_a_place_that_cannot_be_written_is_told_before_any_call(
    connect: Connect, admin: Identity, tmp_path: Path
) -> None:
    # Nothing listens at the target, so a call would fail with that error.
    client = connect("localhost:1", credentials_of(admin))
    with pytest.raises(FileNotWritten):
        client.capture_heap_snapshot(tmp_path / "absent" / "some.heapgraph")
