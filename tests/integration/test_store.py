"""Snapshots that outlive their download, and their process."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, uri
from fix_client import Connect, credentials_of
from fix_cut import Cut
from fix_host import ADMIN, Host, HostError, StartHost
from fix_opsctl import Opsctl, environment_of
from fix_status import status_of

from ops_client import CaptureProgress, MaintenanceClient
from ops_client.errors import (
    IncompleteSnapshot,
    SnapshotNotFound,
    StoreDisabled,
    StoreFull,
    StoreUnwritable,
    WalkFailed,
)
from ops_client.heap_graph import read_heap_graph
from ops_service.heap.engine import engine_status
from ops_service.v1 import heap_graph_pb2, heap_pb2, store_pb2

pytestmark = pytest.mark.skipif(
    not engine_status().available, reason=f"no snapshot engine: {engine_status().reason}"
)

CAPTURE = heap_pb2.CaptureHeapSnapshotRequest(store=True)
BALLAST = "ballast = [[i, str(i)] for i in range(400_000)]"


def store_at(directory: Path, max_bytes: int = 1 << 30) -> dict[str, Any]:
    return {"directory": str(directory), "max_bytes": max_bytes}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evidence") / "store"


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost, directory: Path) -> Host:
    """A host with a store, whose snapshot takes many messages."""
    host = start_shared_host(store=store_at(directory))
    host.run(BALLAST)
    return host


ClientOf = Callable[[Host], MaintenanceClient]


@pytest.fixture
def client_of(admin: Identity) -> Iterator[ClientOf]:
    """Make a client, for tests in which its flavour makes no difference."""
    with contextlib.ExitStack() as stack:

        def make(host: Host) -> MaintenanceClient:
            client = MaintenanceClient(host.address, credentials_of(admin))
            return stack.enter_context(client)

        yield make


@pytest.fixture
def client(client_of: ClientOf, host: Host) -> MaintenanceClient:
    return client_of(host)


def stored(client: MaintenanceClient) -> dict[str, store_pb2.StoredSnapshot]:
    return {each.snapshot_id: each for each in client.list_snapshots().snapshots}


def read(host: Host, identity: Identity, snapshot_id: str, offset: int = 0) -> Any:
    request = store_pb2.ReadSnapshotRequest(snapshot_id=snapshot_id, offset=offset)
    return host.stub(identity).ReadSnapshot(request, timeout=120)


def refusal(call: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as raised:
        list(call)
    status = status_of(raised.value)
    return status.code.name, status.reason


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


# ---- its bounds --------------------------------------------------------------------------


@pytest.mark.long
def test_the_oldest_makes_room_and_a_reader_of_it_is_not_torn(
    start_host: StartHost, admin: Identity, tmp_path: Path, client_of: ClientOf
) -> None:
    host = start_host(store=store_at(tmp_path / "store", 16 << 20))
    host.run("ballast = [[i, str(i)] for i in range(120_000)]")
    client = client_of(host)
    first = client.capture_heap_snapshot(tmp_path / "first.heap", store=True).header.snapshot_id
    call = read(host, admin, first)
    parts = [next(call), next(call)]
    ids = []
    while first in stored(client):
        assert len(ids) < 20
        snapshot = client.capture_heap_snapshot(tmp_path / "later.heap", store=True)
        ids.append(snapshot.header.snapshot_id)
        assert client.list_snapshots().used_bytes <= 16 << 20
    assert ids[-1] in stored(client)
    data = b"".join(part.chunk.data for part in [*parts, *call])
    assert data == (tmp_path / "first.heap").read_bytes()
    with pytest.raises(SnapshotNotFound):
        client.fetch_snapshot(first, tmp_path / "gone.heap")
    assert not list(tmp_path.glob("gone*"))


@pytest.mark.long
def test_a_store_that_is_too_small(
    start_host: StartHost, admin: Identity, tmp_path: Path, client_of: ClientOf
) -> None:
    host = start_host(store=store_at(tmp_path / "store", 1 << 20))
    host.run(BALLAST)
    client = client_of(host)
    with pytest.raises(StoreFull, match=r"store\.max_bytes"):
        client.capture_heap_snapshot(tmp_path / "some.heap", store=True)
    assert not list(tmp_path.glob("some*"))
    assert not stored(client)
    host.wait_for("not children()")
    # Without the store it works.
    client.capture_heap_snapshot(tmp_path / "some.heap")


@pytest.mark.long
def test_a_full_disk(
    start_host: StartHost, admin: Identity, tmp_path: Path, client_of: ClientOf
) -> None:
    host = start_host(store=store_at(tmp_path / "store"))
    client = client_of(host)
    kept = client.capture_heap_snapshot(tmp_path / "kept.heap", store=True).header.snapshot_id
    # The kernel refuses writes beyond this size, as on a full disk.
    limit = os.path.getsize(tmp_path / "kept.heap") // 2
    host.run(
        f"import resource, signal\n"
        f"signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, -1))"
    )
    with pytest.raises(StoreFull, match="disk of the store is full"):
        client.capture_heap_snapshot(tmp_path / "some.heap", store=True)
    assert list(stored(client)) == [kept]
    client.fetch_snapshot(kept, tmp_path / "again.heap")
    host.assert_alive()


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A directory that cannot be written to."""
    directory = tmp_path / "read-only"
    directory.mkdir(0o700)
    if os.geteuid() != 0:
        directory.chmod(0o500)
        yield directory
        return
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro,mode=700", "tmpfs", directory], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"root writes everywhere, and mount refuses: {mounted.stderr!r}")
    yield directory
    subprocess.run(["umount", directory], check=True)


@pytest.mark.long
def test_a_read_only_disk(
    start_host: StartHost, read_only: Path, client_of: ClientOf, tmp_path: Path
) -> None:
    host = start_host(store=store_at(read_only))
    client = client_of(host)
    assert not stored(client)
    with pytest.raises(StoreUnwritable, match="cannot be written to"):
        client.capture_heap_snapshot(tmp_path / "some.heap", store=True)
    client.capture_heap_snapshot(tmp_path / "some.heap")
    host.assert_alive()


def test_a_damaged_file_is_told_and_harms_no_other(
    client: MaintenanceClient, host: Host, directory: Path, admin: Identity, tmp_path: Path
) -> None:
    good = client.capture_heap_snapshot(tmp_path / "good.heap", store=True).header.snapshot_id
    own = directory / host.instance_id
    whole = (own / f"{good}.heap").read_bytes()
    for name, data in (
        ("cut", whole[:-100]),
        ("empty", b""),
        ("noise", os.urandom(5000)),
        ("headless", whole[200_000:]),
    ):
        (own / f"{name}.heap").write_bytes(data)
    (own / "link.heap").symlink_to("/etc/passwd")
    (own.parent / "stray").mkdir()
    (own.parent / "stray" / "instance.json").write_text("{}")
    listed = stored(client)
    assert listed[good].state == store_pb2.STORED_SNAPSHOT_STATE_WHOLE
    for name in ("empty", "noise", "headless"):
        assert listed[name].state == store_pb2.STORED_SNAPSHOT_STATE_DAMAGED
    assert "link" not in listed
    for name in ("cut", "empty", "noise", "headless"):
        assert refusal(read(host, admin, name)) == ("DATA_LOSS", "STORE_DAMAGED")
    for name in ("link", "../stray", "/etc/passwd", "", "a" * 5000, "absent"):
        assert refusal(read(host, admin, name)) == ("NOT_FOUND", "SNAPSHOT_NOT_FOUND")
    client.fetch_snapshot(good, tmp_path / "again.heap")
    assert (tmp_path / "again.heap").read_bytes() == whole
    for name in ("cut", "empty", "noise", "headless", "link"):
        (own / f"{name}.heap").unlink()


def test_without_a_store_nothing_touches_the_disk(
    start_host: StartHost, admin: Identity, tmp_path: Path, client_of: ClientOf
) -> None:
    host = start_host()
    client = client_of(host)
    before = sorted(host.directory.iterdir())
    with pytest.raises(StoreDisabled, match=r"\[store\]"):
        client.list_snapshots()
    with pytest.raises(StoreDisabled):
        client.capture_heap_snapshot(tmp_path / "some.heap", store=True)
    assert refusal(read(host, admin, "abc"))[1] == "STORE_DISABLED"
    client.capture_heap_snapshot(tmp_path / "some.heap")
    assert sorted(host.directory.iterdir()) == before


# ---- where it may be ----------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
def test_a_directory_that_others_may_write_to_is_refused(
    start_host: StartHost, tmp_path: Path, mode: int
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(mode)
    host = start_host(serve=False, store=store_at(shared))
    with pytest.raises(HostError, match=r"StartError: .*name a directory below it"):
        host.start_service()
    below = start_host(store=store_at(shared / "ops"))
    below.assert_alive()
    assert (shared / "ops").stat().st_mode & 0o777 == 0o700


def test_a_directory_that_cannot_be_made(start_host: StartHost, tmp_path: Path) -> None:
    host = start_host(serve=False, store=store_at(tmp_path / "absent" / "store"))
    with pytest.raises(HostError, match=r"StartError: .*create it with mode 0700"):
        host.start_service()


# ---- who may -------------------------------------------------------------------------------


def test_a_fork_of_the_host_does_not_keep_its_place(
    start_host: StartHost, admin: Identity, tmp_path: Path, client_of: ClientOf
) -> None:
    store = store_at(tmp_path / "store")
    first = start_host(store=store)
    child = first.run("import os, time\nanswer = os.fork()\nif not answer: time.sleep(600)")
    try:
        first.close()
        second = start_host(store=store)
        listed = client_of(second).list_snapshots()
        assert {each.process.pid: each.running for each in listed.instances} == {second.pid: True}
    finally:
        os.kill(child, 9)


def test_capturing_is_reading(
    start_host: StartHost, authority: CertificateAuthority, tmp_path: Path
) -> None:
    name = "spiffe://test.example/reader"
    reader = authority.issue("reader", uri(name))
    host = start_host(
        grants=[{"principal": name, "capabilities": ["READ_HEAP"]}],
        store=store_at(tmp_path / "store"),
    )
    parts = list(host.stub(reader).CaptureHeapSnapshot(CAPTURE, timeout=120))
    snapshot_id = parts[0].header.snapshot_id
    assert list(read(host, reader, snapshot_id))[-1].HasField("trailer")
    begin, end = host.wait_for_last_call("ReadSnapshot")
    assert begin["request"] == {"snapshot_id": snapshot_id}
    assert (end["code"], end["principal"]) == ("OK", name)


def test_contents_are_for_whom_a_capture_would_show_them(
    start_host: StartHost, authority: CertificateAuthority, admin: Identity, tmp_path: Path
) -> None:
    name = "spiffe://test.example/reader"
    reader = authority.issue("reader", uri(name))
    host = start_host(
        grants=[
            {"principal": name, "capabilities": ["READ_HEAP"]},
            {"principal": ADMIN, "capabilities": ["READ_HEAP", "READ_CONTENT"]},
        ],
        store=store_at(tmp_path / "store"),
    )
    for extra in (
        {"content_level": heap_graph_pb2.CONTENT_LEVEL_KEYS},
        {"hash_strings": True},
    ):
        request = heap_pb2.CaptureHeapSnapshotRequest(store=True, **extra)
        parts = list(host.stub(admin).CaptureHeapSnapshot(request, timeout=120))
        snapshot_id = parts[0].header.snapshot_id
        with pytest.raises(grpc.RpcError) as raised:
            list(read(host, reader, snapshot_id))
        status = status_of(raised.value)
        assert (status.reason, status.details.get("missing_capability")) == (
            "PERMISSION_DENIED",
            "READ_CONTENT",
        ), status
        assert list(read(host, admin, snapshot_id))[-1].HasField("trailer")


# ---- opsctl ---------------------------------------------------------------------------------


@pytest.mark.long
def test_opsctl(host: Host, admin: Identity, opsctl: Opsctl, tmp_path: Path) -> None:
    env = environment_of(host.address, admin)
    target = tmp_path / "some.heap"
    captured = opsctl("heap", "capture", "--store", "-o", target, env=env)
    assert captured.returncode == 0, captured.stderr
    listed = opsctl("heap", "list", env=env)
    assert listed.returncode == 0, listed.stderr
    row = next(line for line in listed.stdout.splitlines() if "this process" in line)
    snapshot_id = row.split()[-1]
    fetched = opsctl("heap", "fetch", snapshot_id, "-o", tmp_path / "again.heap", env=env)
    assert fetched.returncode == 0, fetched.stderr
    assert fetched.stdout.startswith("Fetched ")
    assert (tmp_path / "again.heap").read_bytes() == target.read_bytes()
    missing = opsctl("heap", "fetch", "absent", "-o", tmp_path / "x.heap", env=env)
    assert missing.returncode == 61
    assert "no snapshot 'absent'" in missing.stderr
    assert not list(tmp_path.glob("x.heap*"))
