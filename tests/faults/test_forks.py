"""Faults 59 to 63: a host that forks, and one that has no room for threads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_fault_table import Line
from fix_forks import close_in_children
from fix_host import Host, HostError, StartHost
from fix_streams import goes_on, watch
from fix_watched import FaultHost, measured_pause, under_watch

from ops_service.v1 import process_pb2

# 1,000 in `make nightly`.
CHILDREN = int(os.environ.get("FORK_CHILDREN", "100"))


def test_59_children_that_close_their_descriptors(fault: FaultHost, admin: Identity) -> None:
    stream = watch(fault.host, admin)
    ends = close_in_children(fault.host, CHILDREN)
    assert ends == {"0": CHILDREN // 20 * 20}
    assert goes_on(stream)
    stream.cancel()


def test_60_blocking_sockets_of_the_host(fault: FaultHost) -> None:
    blocking = fault.run(
        "import os, socket\n"
        "socket.setdefaulttimeout(10)\n"
        "pair = socket.socketpair()\n"
        "for each in pair: each.settimeout(None)\n"
        "child = os.fork()\n"
        "if child == 0: os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "answer = [os.get_blocking(each.fileno()) for each in pair]\n"
        "for each in pair: each.close()\n"
        "socket.setdefaulttimeout(None)"
    )
    assert blocking == [True, True]


def test_61_a_socket_of_the_host_with_the_ports_number(fault: FaultHost) -> None:
    number = int(fault.address.rpartition(":")[2])
    left = fault.run(
        "import os, socket\n"
        f"number = {number}\n"
        "pair = [socket.create_server(('127.0.0.2', number)),"
        " socket.socket(type=socket.SOCK_DGRAM)]\n"
        "pair[1].bind(('127.0.0.1', number))\n"
        "read, write = os.pipe()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    links = [os.readlink(f'/proc/self/fd/{each.fileno()}') for each in pair]\n"
        "    os.write(write, ' '.join(each.partition(':')[0] for each in links).encode())\n"
        "    os._exit(0)\n"
        "answer = os.read(read, 99).decode()\n"
        "os.waitpid(child, 0), os.close(read), os.close(write)\n"
        "for each in pair: each.close()"
    )
    assert left == "socket socket"


def test_62_a_start_without_room_for_threads(
    task_group: Path, start_host: StartHost, control: Host, line: Line
) -> None:
    host = start_host(serve=False)
    host.assert_alive()
    (task_group / "cgroup.procs").write_text(str(host.pid))
    used = int((task_group / "pids.current").read_text())
    with under_watch(host, control, line, 0.0):
        for room in (1, 4, 8):
            (task_group / "pids.max").write_text(str(used + room))
            with pytest.raises(HostError, match=r"StartError: The port needs room .*pids\.max"):
                host.start_service()


def test_63_opened_again_without_room_for_threads(
    task_group: Path, start_host: StartHost, control: Host, line: Line, admin: Identity
) -> None:
    host = start_host()
    pause = measured_pause(host, admin)
    (task_group / "cgroup.procs").write_text(str(host.pid))
    alarm = "[each for each in service._alarms.standing() if each.topic == 'port']"
    # The alarm is a line on standard error, if the host has not configured its logging.
    with under_watch(host, control, line, pause, silent=False):
        used = int((task_group / "pids.current").read_text())
        (task_group / "pids.max").write_text(str(used + 1))
        host.run(
            "import asyncio\n"
            "stopping = service._parts.port._server.stop(None)\n"
            "asyncio.run_coroutine_threadsafe(stopping, service._loop).result()"
        )
        host.wait_for(alarm)
        host.assert_alive()
        (task_group / "pids.max").write_text("max")
        host.wait_for(f"not {alarm}")
        request = process_pb2.GetProcessRequest()
        reply = host.stub(admin).GetProcess(request, timeout=60, wait_for_ready=True)
        assert reply.process.pid == host.pid
