"""A host without room for the port's threads. gRPC would end such a host."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_host import Host, HostError, StartHost

from ops_service.server.thread_room import RESERVE, threads_needed
from ops_service.v1 import process_pb2

WANTED = threads_needed() + RESERVE


def enter(group: Path, host: Host) -> None:
    """Move a host into a group with all of its threads, once they have started."""
    host.assert_alive()
    (group / "cgroup.procs").write_text(str(host.pid))


def limit(group: Path, more: int) -> None:
    """Allow this many threads beyond the present ones."""
    used = int((group / "pids.current").read_text())
    (group / "pids.max").write_text(str(used + more))


@pytest.mark.parametrize("room", [0, 1, 3, 6, 12, WANTED - 1])
def test_a_start_without_room_is_refused(
    task_group: Path, start_host: StartHost, room: int
) -> None:
    host = start_host(serve=False)
    enter(task_group, host)
    limit(task_group, room)
    with pytest.raises(HostError, match=f"StartError: The port needs room for {WANTED} threads"):
        host.start_service()
    # The error names the limit, and no thread remains.
    with pytest.raises(HostError, match=rf"allows {room} more \(\S*pids\.max is \d+ and"):
        host.start_service()
    host.assert_alive()
    host.assert_printed_nothing()
    (task_group / "pids.max").write_text("max")
    host.start_service()


def test_a_start_with_just_enough_room(
    task_group: Path, start_host: StartHost, admin: Identity
) -> None:
    host = start_host(serve=False)
    enter(task_group, host)
    limit(task_group, WANTED)
    host.start_service()
    reply = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=60)
    assert reply.process.pid == host.pid
    left = int((task_group / "pids.max").read_text()) - int(
        (task_group / "pids.current").read_text()
    )
    assert left >= RESERVE


AS_ANOTHER_USER = """
import encodings.ascii, os, resource, sys, threading
import ops_service, ops_service.server.service
# Read while the files may still be.
config = ops_service.load_config(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NPROC, (8, 8))
os.setgid(65534), os.setuid(65534)
try:
    ops_service.start(config)
except ops_service.StartError as error:
    print(error)
print(threading.active_count())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_limit_on_the_processes_of_a_user(start_host: StartHost) -> None:
    host = start_host(serve=False)
    # Files that the other user may read: the service reads its key before it checks the room.
    for each in (host.authority.server.private_key, *host.authority.server.private_key.parents):
        if str(each).startswith(str(Path(tempfile.gettempdir()) / "pytest-")):
            each.chmod(each.stat().st_mode | 0o011 if each.is_dir() else 0o640)
            os.chown(each, -1, 65534)
    done = subprocess.run(
        [sys.executable, "-P", "-c", AS_ANOTHER_USER, str(host.directory / "ops.toml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"The port needs room for {WANTED} threads" in done.stdout
    assert "RLIMIT_NPROC is 8" in done.stdout
    assert done.stdout.split()[-1] == "1"


def test_a_port_that_cannot_be_opened_again_for_want_of_room(
    task_group: Path, start_host: StartHost, admin: Identity
) -> None:
    host = start_host()
    enter(task_group, host)
    port = "service._parts.port"
    # The port closes by itself, and another thread of the application takes the last room.
    limit(task_group, 1)
    host.run(
        "import asyncio\n"
        f"stopping = {port}._server.stop(None)\n"
        "asyncio.run_coroutine_threadsafe(stopping, service._loop).result()"
    )
    alarm = "[each for each in service._alarms.standing() if each.topic == 'port']"
    host.wait_for(alarm)
    text = host.run(f"answer = {alarm}[0].text")
    assert text.startswith("The port cannot be opened again. The port needs room for")
    host.assert_alive()
    (task_group / "pids.max").write_text("max")
    host.wait_for(f"not {alarm}")
    stub = host.stub(admin)
    reply = stub.GetProcess(process_pb2.GetProcessRequest(), timeout=60, wait_for_ready=True)
    assert reply.process.pid == host.pid
    assert list(reply.alarms) == []
