"""The store: its bounds, its place, and who may read it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from fix_certs import CertificateAuthority, Identity, uri
from fix_client import ClientOf
from fix_host import ADMIN, Host, HostError, StartHost
from fix_opsctl import Opsctl, environment_of
from fix_status import status_of
from fix_store import BALLAST, CAPTURE, read, refusal, store_at, stored

from ops_client import MaintenanceClient
from ops_client.errors import SnapshotNotFound, StoreDisabled, StoreFull, StoreUnwritable
from ops_service.heap.engine import engine_status
from ops_service.v1 import heap_graph_pb2, heap_pb2, store_pb2

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
