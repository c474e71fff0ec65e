"""Faults 44 to 47: the system is short of memory, processes or disk."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import grpc
import pytest
from fix_certs import Identity
from fix_cgroups import MemoryGroup, make_cgroup, remove_cgroup
from fix_fault_table import Line
from fix_host import Host, HostError, StartHost
from fix_opsctl import OPSCTL, clean_environment, environment_of, limited
from fix_seccomp import REFUSE_PROCESSES
from fix_watched import BALLAST, SUMMARY, FaultHost, measured_pause, under_watch

from ops_service.v1 import heap_pb2, process_pb2


def capture(host: Host, identity: Identity) -> heap_pb2.HeapSnapshotTrailer:
    """Capture to the end, or raise the refusal."""
    request = heap_pb2.CaptureHeapSnapshotRequest()
    return list(host.stub(identity).CaptureHeapSnapshot(request, timeout=120))[-1].trailer


def test_44_cgroup_near_its_limit(
    memory_group: MemoryGroup,
    start_host: StartHost,
    control: Host,
    line: Line,
    admin: Identity,
) -> None:
    host = start_host()
    host.run(BALLAST)
    with under_watch(host, control, line, measured_pause(host, admin)):
        memory_group.add(host.pid)
        # Its present memory was charged elsewhere, so the limit alone decides.
        memory_group.limit(8 << 20)
        with pytest.raises(grpc.RpcError) as raised:
            capture(host, admin)
        memory_group.limit(-1)
        assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert memory_group.kills() == 0


def test_45_pressure_mid_snapshot(
    memory_group: MemoryGroup,
    start_host: StartHost,
    control: Host,
    line: Line,
    admin: Identity,
) -> None:
    host = start_host(limits={"stall_seconds": 60.0})
    host.run(BALLAST)
    with under_watch(host, control, line, measured_pause(host, admin)):
        memory_group.add(host.pid)
        memory_group.limit(512 << 20)
        request = heap_pb2.CaptureHeapSnapshotRequest()
        stream = host.stub(admin).CaptureHeapSnapshot(request, timeout=120)
        assert next(stream).HasField("header")
        # Nobody reads on, so the child waits while memory falls below its reserve.
        host.run(
            "kept = []\n"
            f"while int(open({str(memory_group.usage)!r}).read()) < {480 << 20}:\n"
            "    kept.append(bytearray(b'x') * (4 << 20))"
        )
        with pytest.raises(grpc.RpcError) as raised:
            list(stream)
        assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "memory was running out" in raised.value.details()
        assert memory_group.kills() == 0
        host.run("kept.clear()")
        assert capture(host, admin).sha256


CLONE_REFUSED = (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.RESOURCE_EXHAUSTED)


def test_46_clone_refused_by_a_limit_of_processes(
    start_host: StartHost, control: Host, line: Line, admin: Identity
) -> None:
    path = make_cgroup("pids")
    host = start_host()
    try:
        with under_watch(host, control, line, measured_pause(host, admin)):
            (path / "cgroup.procs").write_text(str(host.pid))
            # No task beyond the present ones, plus one for the requesting thread.
            current = int((path / "pids.current").read_text())
            (path / "pids.max").write_text(str(current + 1))
            with pytest.raises(grpc.RpcError) as raised:
                host.stub(admin).SummarizeHeap(SUMMARY, timeout=60)
            assert raised.value.code() in CLONE_REFUSED
            (path / "pids.max").write_text("max")
            assert host.stub(admin).SummarizeHeap(SUMMARY, timeout=60).object_count
    finally:
        host.close()
        remove_cgroup(path)


def test_46_clone_refused_by_seccomp(
    start_host: StartHost, control: Host, line: Line, admin: Identity
) -> None:
    # gRPC prints messages about forks.
    host = start_host(environment={"GRPC_VERBOSITY": "NONE"})
    with under_watch(host, control, line, measured_pause(host, admin)):
        number = host.run(REFUSE_PROCESSES)
        if number:
            pytest.skip(f"46 by seccomp: a filter is refused ({os.strerror(number)})")
        # The filter works: the application cannot start a process any more, but still threads.
        with pytest.raises(HostError, match="PermissionError"):
            host.run("import os\nos.fork() or os._exit(0)")
        for _ in range(3):
            with pytest.raises(grpc.RpcError) as raised:
                host.stub(admin).SummarizeHeap(SUMMARY, timeout=60)
            assert raised.value.code() in CLONE_REFUSED
            assert "seccomp" in raised.value.details()
        # Everything else goes on.
        reply = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=60)
        assert reply.process.pid == host.pid


@pytest.mark.parametrize("what", ["limit", "file_system"])
def test_47_no_space_at_the_output(
    fault: FaultHost, admin: Identity, tmp_path: Path, what: str
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    # The script lists the remaining files itself: nobody else sees its private mount.
    after = f"code=$?; ls -A {place}; exit $code"
    before = list(map(str, limited(100_000)))
    if what == "file_system":
        mount = f"mount -t tmpfs -o size=100k none {place}"
        before = ["unshare", "--mount"]
        if subprocess.run([*before, "sh", "-c", mount], capture_output=True).returncode:
            pytest.skip("47 on a full file system: it cannot be mounted here")
        after = f"{after}"
    command = f"{OPSCTL} heap capture -o {place}/a.heap"
    script = f"{command}; {after}" if what == "limit" else f"{mount} && {{ {command}; {after}; }}"
    done = subprocess.run(
        [*before, "sh", "-c", script],
        env=clean_environment(**environment_of(fault.address, admin)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 42, done.stderr
    assert done.stdout == ""
