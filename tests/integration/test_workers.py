"""Workers with a shared run directory: each has its own address, and lists the others."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_client import Connect, credentials_of
from fix_host import Host, HostError, StartHost
from fix_opsctl import Opsctl, environment_of

from ops_client.cli.exit_codes import ExitCode


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        # Leaves room for the slots above it.
        return port if port < 65_000 else free_port()


def slot_of(host: Host, base: int) -> int:
    return int(host.address.rpartition(":")[2]) - base


@pytest.mark.long
def test_each_worker_has_its_own_port(
    start_host: StartHost,
    connect: Connect,
    opsctl: Opsctl,
    viewer: Identity,
    tmp_path: Path,
) -> None:
    base, run = free_port(), tmp_path / "run"
    server = {"address": f"127.0.0.1:{base}", "run_directory": str(run), "slots": 9}
    hosts = [start_host(server=server) for _ in range(3)]
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    slots = [slot_of(host, base) for host in hosts]
    # Another program may hold one of the ports in between.
    assert slots == sorted(set(slots))

    for host in hosts:
        reply = connect(host.address, credentials_of(viewer)).list_workers()
        assert [each.process.instance_id for each in reply.workers] == [
            each.instance_id for each in hosts
        ]
        assert [each.address for each in reply.workers] == [each.address for each in hosts]
        assert [each.slot for each in reply.workers] == slots
        assert [each.process.pid for each in reply.workers] == [each.pid for each in hosts]
        assert [each.answered for each in reply.workers] == [each is host for each in hosts]
        assert not any(each.stale for each in reply.workers)
        assert all(each.resident_bytes > 1 << 20 for each in reply.workers)
        assert reply.process.instance_id == host.instance_id

    # One is killed: it leaves its descriptor, and a successor takes its slot.
    hosts[1].process.send_signal(signal.SIGKILL)
    hosts[1].process.wait()
    workers = connect(hosts[0].address, credentials_of(viewer)).list_workers().workers
    assert [each.stale for each in workers] == [False, True, False]
    run_ps = opsctl("ps", env=environment_of(hosts[0].address, viewer))
    assert (run_ps.returncode, run_ps.stderr) == (ExitCode.OK, "")
    assert [line.split()[1] for line in run_ps.stdout.splitlines()[1:]] == [
        str(host.pid) for host in hosts
    ]
    assert "gone" in run_ps.stdout
    successor = start_host(server=server)
    assert slot_of(successor, base) == slots[1]
    # One stops: its descriptor is removed.
    hosts[2].run("service.stop()")
    document = json.loads(
        opsctl("ps", "--json", env=environment_of(successor.address, viewer)).stdout
    )
    assert [each["process"]["pid"] for each in document["workers"]] == [hosts[0].pid, successor.pid]
    assert not any(each["stale"] for each in document["workers"])


def test_sockets_by_slot(
    start_host: StartHost, connect: Connect, viewer: Identity, tmp_path: Path
) -> None:
    server = {
        "address": f"unix:{tmp_path}/ops-{{slot}}.sock",
        "run_directory": str(tmp_path / "run"),
        "slots": 3,
    }
    hosts = [start_host(server=server) for _ in range(2)]
    assert [host.address for host in hosts] == [
        f"unix:{tmp_path}/ops-{slot}.sock" for slot in (0, 1)
    ]
    # Two services in one process have two slots.
    address = hosts[0].run("second = __import__('ops_service').start(); answer = second.address")
    assert address == f"unix:{tmp_path}/ops-2.sock"
    with pytest.raises(HostError, match="All 3 slots"):
        start_host(server=server)
    hosts[0].run("second.stop()")
    credentials = credentials_of(viewer, server_name="localhost")
    workers = connect(hosts[1].address, credentials).list_workers().workers
    assert [each.slot for each in workers] == [0, 1]


def test_a_forked_child_does_not_hold_its_parents_slot(
    start_host: StartHost, tmp_path: Path
) -> None:
    server = {"address": "127.0.0.1:0", "run_directory": str(tmp_path / "run"), "slots": 1}
    host = start_host(server=server)
    host.run("import os, time\nchild = os.fork()\nif child == 0:\n    time.sleep(600)")
    child = host.run("answer = child")
    host.process.kill()
    host.process.wait()
    try:
        start_host(server=server)
    finally:
        os.kill(child, signal.SIGKILL)


def test_without_a_run_directory_one_tells_of_itself(
    host: Host, connect: Connect, viewer: Identity
) -> None:
    (worker,) = connect(host.address, credentials_of(viewer)).list_workers().workers
    assert worker.process.instance_id == host.instance_id
    assert worker.answered
    assert not worker.stale


def test_files_that_are_no_descriptors_are_passed_over(
    start_host: StartHost, connect: Connect, viewer: Identity, tmp_path: Path
) -> None:
    host = start_host(server={"address": "127.0.0.1:0", "run_directory": str(tmp_path / "run")})
    for number, text in enumerate(("", "{}", "[1]", '{"pid": "x"}', "x" * 100_000)):
        (tmp_path / "run" / f"worker-9{number}.json").write_text(text)
    workers = connect(host.address, credentials_of(viewer)).list_workers().workers
    assert [each.process.pid for each in workers] == [host.pid]


def test_a_run_directory_that_others_may_use_is_refused(
    start_host: StartHost, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir(mode=0o755)
    with pytest.raises(HostError, match="choose one of your own with mode 0700"):
        start_host(server={"run_directory": str(run)})
    with pytest.raises(HostError, match="cannot be used"):
        start_host(server={"run_directory": str(tmp_path / "no" / "such")})


def test_a_slot_of_a_host_that_closed_its_descriptors(
    start_host: StartHost, tmp_path: Path
) -> None:
    host = start_host(server={"run_directory": str(tmp_path / "run")})
    # As daemons do before they open their own files.
    host.run(
        "import os\n"
        "lock = service._resources.claim._lock\n"
        "read, write = os.pipe()\n"
        "os.dup2(read, lock)\n"
        "service.stop()\n"
        "os.write(write, b'mine')\n"
        "answer = os.read(lock, 4).decode()"
    )
    assert host.run("os.write(write, b'mine'); answer = os.read(lock, 4).decode()") == "mine"
