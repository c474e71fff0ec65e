"""Snapshots that outlive their download, and their process."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from fix_certs import Identity
from fix_client import ClientOf, Connect, credentials_of
from fix_cut import Cut
from fix_host import Host, StartHost
from fix_store import BALLAST, CAPTURE, read, refusal, store_at, stored

from ops_client import CaptureProgress, MaintenanceClient
from ops_client.errors import IncompleteSnapshot, SnapshotNotFound, WalkFailed
from ops_client.heap_graph import read_heap_graph
from ops_service.heap.engine import engine_status
from ops_service.v1 import store_pb2

pytestmark = pytest.mark.skipif(
    not engine_status().available, reason=f"no snapshot engine: {engine_status().reason}"
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evidence") / "store"


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost, directory: Path) -> Host:
    """A host with a store, whose snapshot takes many messages."""
    host = start_shared_host(store=store_at(directory))
    host.run(BALLAST)
    return host


@pytest.fixture
def client(client_of: ClientOf, host: Host) -> MaintenanceClient:
    return client_of(host)


def wait_until_whole(host: Host, admin: Identity, snapshot_id: str) -> None:
    whole = store_pb2.STORED_SNAPSHOT_STATE_WHOLE
    with MaintenanceClient(host.address, credentials_of(admin)) as client:
        eventually(lambda: stored(client)[snapshot_id].state == whole)


# ---- whole downloads --------------------------------------------------------------------


def test_a_stored_capture_is_the_same_file_on_both_sides(
    client: MaintenanceClient, host: Host, directory: Path, tmp_path: Path
) -> None:
    target = tmp_path / "some.heap"
    snapshot = client.capture_heap_snapshot(target, store=True)
    listed = stored(client)[snapshot.header.snapshot_id]
    file = directory / host.instance_id / f"{listed.snapshot_id}.heap"
    assert file.read_bytes() == target.read_bytes()
    assert (listed.process, listed.capture_time) == (
        snapshot.header.process,
        snapshot.header.capture_time,
    )
    assert listed.byte_count == target.stat().st_size
    assert [path.stat().st_mode & 0o777 for path in (file, file.parent, directory)] == [
        0o600,
        0o700,
        0o700,
    ]
    assert list(tmp_path.iterdir()) == [target]

    again = tmp_path / "again.heap"
    client.fetch_snapshot(listed.snapshot_id, again)
    assert again.read_bytes() == target.read_bytes()
    assert read_heap_graph(again).object_count == snapshot.trailer.object_count


def test_any_message_is_a_place_to_go_on(host: Host, admin: Identity, directory: Path) -> None:
    list(host.stub(admin).CaptureHeapSnapshot(CAPTURE, timeout=120))
    snapshot_id = max(directory.rglob("*.heap"), key=os.path.getmtime).stem
    header, *chunks, trailer = list(read(host, admin, snapshot_id))
    assert header.header.snapshot_id == snapshot_id
    assert header.header.process.instance_id == host.instance_id
    data = b"".join(part.chunk.data for part in chunks)
    assert trailer.trailer.byte_count == len(data)
    assert len(chunks) > 4
    assert max(part.ByteSize() for part in chunks) < 2 << 20
    for offset in (chunks[0].chunk.offset, chunks[2].chunk.offset, len(data)):
        _, *rest, end = list(read(host, admin, snapshot_id, offset))
        assert b"".join(part.chunk.data for part in rest) == data[offset:]
        assert end.trailer.byte_count == len(data)
    for offset in (1, chunks[2].chunk.offset + 1, len(data) + 1, 2**64 - 1):
        assert refusal(read(host, admin, snapshot_id, offset)) == (
            "INVALID_ARGUMENT",
            "INVALID_REQUEST",
        )


# ---- what breaks -------------------------------------------------------------------------


def test_a_broken_capture_goes_on_to_the_same_hash(
    connect: Connect, host: Host, admin: Identity, cut: Cut, tmp_path: Path
) -> None:
    proxy = cut(host.address, [700_000, 1_500_000])
    target = tmp_path / "some.heap"
    # gRPC retries a broken address only after this time.
    client = connect(proxy.address, credentials_of(admin), connect_timeout=1.0)
    snapshot = client.capture_heap_snapshot(target, store=True)
    assert proxy.connections >= 3
    data = target.read_bytes()
    assert hashlib.sha256(data[: snapshot.trailer.byte_count]).digest() == snapshot.trailer.sha256
    (served,) = [
        b"".join(part.chunk.data for part in read(host, admin, snapshot.header.snapshot_id))
    ]
    assert served == data
    assert list(tmp_path.iterdir()) == [target]


def test_a_capture_runs_to_its_end_without_its_caller(
    connect: Connect, host: Host, admin: Identity, tmp_path: Path
) -> None:
    class Gone(Exception):
        pass

    def leave(now: CaptureProgress) -> None:
        if now.object_count:
            raise Gone

    target = tmp_path / "some.heap"
    client = connect(host.address, credentials_of(admin))
    with pytest.raises(Gone):
        client.capture_heap_snapshot(target, store=True, progress=leave)
    # The received part stays next to the name, for the next process.
    (part,) = tmp_path.iterdir()
    _, snapshot_id, suffix = part.name.rsplit(".", 2)
    assert suffix == "part"
    kept = part.stat().st_size
    wait_until_whole(host, admin, snapshot_id)

    seen: list[int] = []
    snapshot = client.fetch_snapshot(
        snapshot_id, target, progress=lambda now: seen.append(now.bytes_written)
    )
    assert list(tmp_path.iterdir()) == [target]
    assert snapshot.trailer.byte_count > kept
    # The call itself began where the file ended.
    begin = host.wait_for_last_call("ReadSnapshot")[0]
    assert 0 < int(begin["request"]["offset"]) <= kept
    host.assert_alive()


def test_a_capture_that_fails_without_its_caller_leaves_nothing(
    client: MaintenanceClient, host: Host, tmp_path: Path
) -> None:
    class Gone(Exception):
        pass

    child = 0

    def leave(now: CaptureProgress) -> None:
        nonlocal child
        if now.object_count:
            (found,) = host.run("answer = children()")
            child = int(found)
            os.kill(child, signal.SIGSTOP)
            raise Gone

    target = tmp_path / "some.heap"
    with pytest.raises(Gone):
        client.capture_heap_snapshot(target, store=True, progress=leave)
    snapshot_id = next(tmp_path.iterdir()).name.rsplit(".", 2)[1]
    reads = sum(each["method"].endswith("/ReadSnapshot") for each in host.audit_records())

    def end() -> None:
        host.wait_for_records("ReadSnapshot", reads + 1)
        os.kill(child, signal.SIGKILL)

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises((WalkFailed, SnapshotNotFound)):
        client.fetch_snapshot(snapshot_id, target)
    ending.join()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_a_connection_that_stays_broken_keeps_what_came(
    connect: Connect, host: Host, admin: Identity, cut: Cut, tmp_path: Path, client: Any
) -> None:
    whole = tmp_path / "whole.heap"
    snapshot_id = client.capture_heap_snapshot(whole, store=True).header.snapshot_id
    target = tmp_path / "some.heap"
    proxy = cut(host.address, [600_000] + [0] * 50)
    with pytest.raises(IncompleteSnapshot, match="are kept in"):
        connect(proxy.address, credentials_of(admin), connect_timeout=1.0).fetch_snapshot(
            snapshot_id, target
        )
    part = tmp_path / f"some.heap.{snapshot_id}.part"
    # Also the remains of a process that was killed in the middle of a message.
    with part.open("ab") as file:
        file.write(b"\xff\xff\x03 and no more")
    client.fetch_snapshot(snapshot_id, target)
    assert target.read_bytes() == whole.read_bytes()
    assert not part.exists()


@pytest.mark.long
def test_a_successor_serves_what_a_killed_process_left(
    start_host: StartHost, admin: Identity, tmp_path: Path, client_of: ClientOf
) -> None:
    store = store_at(tmp_path / "store")
    first = start_host(store=store)
    before = client_of(first)
    snapshot = before.capture_heap_snapshot(tmp_path / "a.heap", store=True)
    first.run(BALLAST)
    unfinished = first.stub(admin).CaptureHeapSnapshot(CAPTURE, timeout=120)
    next(unfinished)
    first.close()

    second = start_host(store=store)
    after = client_of(second)
    listed = after.list_snapshots()
    assert [each.snapshot_id for each in listed.snapshots] == [snapshot.header.snapshot_id]
    assert [(each.process.pid, each.running) for each in listed.instances] == [
        (second.pid, True),
        (first.pid, False),
    ]
    after.fetch_snapshot(snapshot.header.snapshot_id, tmp_path / "b.heap")
    assert (tmp_path / "b.heap").read_bytes() == (tmp_path / "a.heap").read_bytes()
