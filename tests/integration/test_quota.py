"""Captures of a host with a quota of CPU time, or with little memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from fix_certs import Identity
from fix_cgroups import MemoryGroup, make_cgroup, remove_cgroup
from fix_client import Connect, credentials_of
from fix_host import StartHost
from fix_status import status_of

from ops_service.v1 import heap_pb2

# In microseconds: a fifth of a processor.
QUOTA, PERIOD = 20_000, 100_000

# More than gRPC reads ahead of the caller, and pages for the host to write to.
BALLAST = """
ballast = [[i, str(i)] for i in range(600_000)]
pages = bytearray(b"x") * (300 << 20)
"""


@pytest.fixture
def cpu_group() -> Iterator[Path]:
    """A control group with a quota of CPU time, of either version."""
    path = make_cgroup("cpu")
    if (path / "cpu.max").exists():
        (path / "cpu.max").write_text(f"{QUOTA} {PERIOD}")
    else:
        (path / "cpu.cfs_period_us").write_text(str(PERIOD))
        (path / "cpu.cfs_quota_us").write_text(str(QUOTA))
    yield path
    remove_cgroup(path)


@pytest.mark.long
def test_the_trailer_tells_how_often_a_quota_made_it_wait(
    cpu_group: Path, connect: Connect, start_host: StartHost, admin: Identity, tmp_path: Path
) -> None:
    host = start_host()
    client = connect(host.address, credentials_of(admin))
    free = client.capture_heap_snapshot(tmp_path / "free").trailer
    # A thread that always works, so that the quota is always used up.
    host.run(
        "import threading\n"
        "def work():\n"
        "    while True: sum(range(1000))\n"
        "threading.Thread(target=work, daemon=True).start()"
    )
    (cpu_group / "cgroup.procs").write_text(str(host.pid))
    held = client.capture_heap_snapshot(tmp_path / "held").trailer
    # The host and the child share one group, so the waits of both count.
    assert held.cpu_throttled_count > 0
    assert held.child_cpu_time.ToNanoseconds() > 0
    # The child gets only a part of the quota.
    seconds = held.child_lifetime.ToNanoseconds() / 1e9
    assert held.child_cpu_time.ToNanoseconds() / 1e9 < seconds * QUOTA / PERIOD
    assert free.object_count == pytest.approx(held.object_count, rel=0.2)


def test_a_child_ends_when_its_pages_pass_a_share_of_what_was_free(
    memory_group: MemoryGroup, start_host: StartHost, admin: Identity
) -> None:
    host = start_host(limits={"stall_seconds": 60.0})
    host.run(BALLAST)
    memory_group.add(host.pid)
    memory_group.limit(640 << 20)
    request = heap_pb2.CaptureHeapSnapshotRequest()
    stream = host.stub(admin).CaptureHeapSnapshot(request, timeout=120)
    assert next(stream).HasField("header")
    # Nobody reads on, so the child waits while the host writes to shared pages.
    host.run("for place in range(0, len(pages), 4096): pages[place] = 1")
    with pytest.raises(grpc.RpcError) as raised:
        list(stream)
    status = status_of(raised.value)
    assert (status.code, status.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "INSUFFICIENT_MEMORY",
    )
    assert "existed twice" in status.message
    # A quarter of what the group had left beyond the reserve.
    assert 100 << 20 < int(status.details["copied_bytes"]) < 310 << 20
    assert memory_group.kills() == 0
    host.assert_alive()
