"""Faults 35 to 48: what the host does, and what the system does to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from fix_certs import CertificateAuthority, Identity
from fix_cgroups import MemoryGroup, make_cgroup
from fix_client import credentials_of
from fix_host import Host, StartHost, configuration, toml
from fix_http2 import Http2
from fix_opsctl import OPSCTL, clean_environment, environment_of, limited
from fix_watched import FaultHost, Line, measured_pause, under_watch

from ops_client import MaintenanceClient
from ops_service.v1 import evaluation_pb2, heap_pb2, process_pb2

CAPTURE = b"/ops_service.v1.MaintenanceService/CaptureHeapSnapshot"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples/integrations"
BALLAST = "ballast = [[i, str(i)] for i in range(600_000)]"
SUMMARY = heap_pb2.SummarizeHeapRequest(limit=1)
# Fewer in CI; `make faults` takes the catalogue's number.
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "50"))


def assert_ends_in_time(start_host: StartHost, prepare: Callable[[Host], object]) -> Host:
    """Let a prepared host end by itself; one of three must do so within 2 s."""
    taken = []
    for _ in range(3):
        host = start_host()
        kept = prepare(host)
        began = time.monotonic()
        host.exit()
        assert host.process.wait(60) == 0
        taken.append(time.monotonic() - began)
        del kept
        if taken[-1] < 2.0:
            return host
    raise AssertionError(f"the exit took {taken} seconds")


def gone(pids: list[int], seconds: float = 10.0) -> None:
    limit = time.monotonic() + seconds
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < limit
        time.sleep(0.01)


def stalled_capture(host: Host, identity: Identity) -> Http2:
    """A capture that nobody reads, with its child at work."""
    client = Http2(host.address, identity)
    client.request(CAPTURE)
    host.wait_for("children()")
    return client


def test_35_exit_with_a_stalled_stream(start_host: StartHost, admin: Identity) -> None:
    children: list[int] = []

    def prepare(host: Host) -> object:
        host.run(BALLAST)
        client = stalled_capture(host, admin)
        children.extend(map(int, host.run("answer = children()")))
        return client

    assert_ends_in_time(start_host, prepare)
    gone(children)


def test_36_exit_during_an_evaluation(start_host: StartHost, admin: Identity) -> None:
    def prepare(host: Host) -> object:
        request = evaluation_pb2.EvaluateCodeRequest(source="while True: pass")
        call = host.stub(admin).EvaluateCode(request, timeout=120)
        next(call)
        return call

    assert_ends_in_time(start_host, prepare)


def test_37_100_forks_under_load(
    start_host: StartHost, control: Host, line: Line, admin: Identity
) -> None:
    host = start_host(environment={"GRPC_VERBOSITY": "NONE"})
    pause = measured_pause(host, admin)
    with under_watch(host, control, line, pause):
        stub = host.stub(admin)
        for _ in range(100):
            request = process_pb2.GetProcessRequest()
            stub.GetProcess(request, timeout=60, wait_for_ready=True)
            pending = stub.GetProcess.future(request, timeout=60)
            status = host.run(
                "import os\n"
                "child = os.fork()\n"
                "if child == 0:\n"
                "    x = [str(n) for n in range(1000)]\n"
                "    os._exit(0)\n"
                "answer = os.waitpid(child, 0)[1]"
            )
            assert status == 0
            # It is answered, or was cut off by the fork.
            error = pending.exception(timeout=60)
            cut = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
            assert error is None or error.code() in cut
        assert (
            stub.GetProcess(
                process_pb2.GetProcessRequest(), timeout=60, wait_for_ready=True
            ).process.pid
            == host.pid
        )


def test_38_workers_that_are_forked_first(
    authority: CertificateAuthority, viewer: Identity, tmp_path: Path
) -> None:
    config = configuration(authority, tmp_path / "audit.jsonl")
    config["server"] |= {"run_directory": str(tmp_path / "run"), "slots": 4}
    (tmp_path / "ops.toml").write_text(toml(config))
    with subprocess.Popen(
        [sys.executable, EXAMPLES / "pool.py", "fork", "600"],
        env={**os.environ, "OPS_SERVICE_CONFIG": str(tmp_path / "ops.toml")},
        start_new_session=True,
    ) as process:
        try:
            limit = time.monotonic() + 60
            while len(found := list((tmp_path / "run").glob("worker-*.json"))) < 2:
                assert time.monotonic() < limit
                time.sleep(0.02)
            pids = set()
            for each in found:
                told = json.loads(each.read_text())
                with MaintenanceClient(told["address"], credentials_of(viewer)) as client:
                    reply = client.list_workers()
                assert reply.process.pid == told["pid"]
                assert len(reply.workers) == 2
                pids.add(reply.process.pid)
            assert len(pids) == 2
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_39_workers_that_are_forked_after_the_start(fault: FaultHost) -> None:
    told = fault.run(
        "import os, ops_service\n"
        "read, write = os.pipe()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    try: ops_service.start()\n"
        "    except ops_service.StartError as error: os.write(write, str(error).encode())\n"
        "    os._exit(0)\n"
        "os.close(write)\n"
        "answer = os.read(read, 4096).decode()\n"
        "os.close(read), os.waitpid(child, 0)"
    )
    assert "Start the service after the fork alone" in told


def test_40_host_that_waits_for_any_child(fault: FaultHost, admin: Identity) -> None:
    fault.run(
        "import os, threading\n"
        "seen, enough = [], threading.Event()\n"
        "def wait_for_any():\n"
        "    while not enough.is_set():\n"
        "        try: seen.append(os.waitpid(-1, os.WNOHANG))\n"
        "        except ChildProcessError: seen.append(None)\n"
        "        enough.wait(0.0005)\n"
        "waiting = threading.Thread(target=wait_for_any); waiting.start()"
    )
    for _ in range(5):
        reply = fault.stub(admin).SummarizeHeap(SUMMARY, timeout=60)
        assert reply.object_count
    fault.run("enough.set(); waiting.join()")
    assert fault.run("answer = [len(seen) > 0, any(seen)]") == [True, False]


def test_41_ignored_sigchld(fault: FaultHost, admin: Identity) -> None:
    fault.run("import signal; kept = signal.signal(signal.SIGCHLD, signal.SIG_IGN)")
    try:
        for _ in range(3):
            parts = list(
                fault.stub(admin).CaptureHeapSnapshot(
                    heap_pb2.CaptureHeapSnapshotRequest(), timeout=60
                )
            )
            assert parts[-1].WhichOneof("part") == "trailer"
    finally:
        fault.run("signal.signal(signal.SIGCHLD, kept)")


def test_42_host_killed_mid_snapshot(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    host.run(BALLAST)
    client = stalled_capture(host, admin)
    children = list(map(int, host.run("answer = children()")))
    host.process.kill()
    host.process.wait()
    gone(children)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(host.address.rpartition(":")[2])), 5).close()
    client.close()


def test_43_one_malloc_arena_under_allocating_threads(
    start_host: StartHost, control: Host, line: Line, admin: Identity
) -> None:
    host = start_host(environment={"MALLOC_ARENA_MAX": "1"})
    with under_watch(host, control, line, measured_pause(host, admin)):
        stub = host.stub(admin)
        for _ in range(ROUNDS):
            parts = stub.CaptureHeapSnapshot(heap_pb2.CaptureHeapSnapshotRequest(), timeout=60)
            # Not kept, so that this process does not grow with the rounds.
            [trailer] = [part.trailer for part in parts if part.HasField("trailer")]
            assert trailer.object_count > 10_000


def test_44_cgroup_near_its_limit(
    memory_group: MemoryGroup, start_host: StartHost, admin: Identity
) -> None:
    host = start_host()
    host.run(BALLAST)
    memory_group.add(host.pid)
    # What it has was charged elsewhere, so the limit alone decides.
    memory_group.limit(8 << 20)
    with pytest.raises(grpc.RpcError) as raised:
        list(
            host.stub(admin).CaptureHeapSnapshot(heap_pb2.CaptureHeapSnapshotRequest(), timeout=60)
        )
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    host.assert_alive()


def test_45_pressure_mid_snapshot(
    memory_group: MemoryGroup, start_host: StartHost, admin: Identity
) -> None:
    host = start_host(limits={"stall_seconds": 60.0})
    host.run(BALLAST)
    memory_group.add(host.pid)
    memory_group.limit(512 << 20)
    request = heap_pb2.CaptureHeapSnapshotRequest()
    stream = host.stub(admin).CaptureHeapSnapshot(request, timeout=120)
    assert next(stream).HasField("header")
    # Nobody reads on, so that the child waits while less than its reserve is left.
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
    host.assert_alive()
    host.run("kept.clear()")
    assert list(host.stub(admin).CaptureHeapSnapshot(request, timeout=60))[-1].trailer.sha256


def test_46_clone_refused(start_host: StartHost, admin: Identity) -> None:
    path = make_cgroup("pids")
    host = start_host()
    try:
        (path / "cgroup.procs").write_text(str(host.pid))
        # No further task beside those there are, and one for the thread that asks.
        current = int((path / "pids.current").read_text())
        (path / "pids.max").write_text(str(current + 1))
        with pytest.raises(grpc.RpcError) as raised:
            host.stub(admin).SummarizeHeap(SUMMARY, timeout=60)
        assert raised.value.code() in (
            grpc.StatusCode.FAILED_PRECONDITION,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
        )
        host.assert_alive()
        (path / "pids.max").write_text("max")
        assert host.stub(admin).SummarizeHeap(SUMMARY, timeout=60).object_count
    finally:
        host.close()
        path.rmdir()


def test_47_no_space_at_the_output(fault: FaultHost, admin: Identity, tmp_path: Path) -> None:
    done = subprocess.run(
        [*limited(100_000), OPSCTL, "heap", "capture", "-o", tmp_path / "a.heap"],
        env=clean_environment(**environment_of(fault.address, admin)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 42, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_48_fork_support_switched_off(
    start_host: StartHost, control: Host, line: Line, admin: Identity
) -> None:
    host: Any = start_host(environment={"GRPC_ENABLE_FORK_SUPPORT": "0"})
    with under_watch(host, control, line, measured_pause(host, admin)):
        stub = host.stub(admin)
        for _ in range(20):
            pending = stub.GetProcess.future(process_pb2.GetProcessRequest(), timeout=60)
            status = host.run(
                "import os\n"
                "child = os.fork()\n"
                "if child == 0: os._exit(0)\n"
                "answer = os.waitpid(child, 0)[1]"
            )
            assert status == 0
            assert pending.result(timeout=60).process.pid == host.pid
