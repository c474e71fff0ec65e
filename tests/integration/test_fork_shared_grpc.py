"""Forks if the port cannot have its own gRPC, and so closes for each fork."""

from __future__ import annotations

import grpc
import pytest
from fix_certs import Identity
from fix_forks import close_in_children, in_forked_child
from fix_host import StartHost
from fix_streams import goes_on, watch

from ops_service.v1 import process_pb2

# The child may get gRPC's threads nevertheless.
RESTARTS_IN_CHILDREN = tuple(map(int, grpc.__version__.split(".")[:2])) >= (1, 80)


def test_where_grpc_is_shared_the_port_is_closed_for_a_fork(
    start_host: StartHost, admin: Identity
) -> None:
    host = start_host(serve=False)
    # As on systems other than Linux.
    host.run("import os, tempfile\ndel os.memfd_create, os.O_TMPFILE")
    host.start_service()
    stub = host.stub(admin)
    request = process_pb2.GetProcessRequest()
    alarms = {each.topic: each.text for each in stub.GetProcess(request, timeout=60).alarms}
    assert "GRPC_ENABLE_FORK_SUPPORT=0" in alarms["forks"]
    assert "SIGABRT" in alarms["forks"]
    stream = watch(host, admin)
    counts = close_in_children(host, 20)
    # Since 1.80 gRPC may restart its threads in the child nevertheless. The alarm says so.
    endings = {"0", "-6"} if RESTARTS_IN_CHILDREN else {"0"}
    assert sum(counts.values()) == 20
    assert set(counts) <= endings
    with pytest.raises(grpc.RpcError):
        list(stream)
    assert stub.GetProcess(request, timeout=60, wait_for_ready=True)


def test_where_grpc_is_shared_and_no_child_needs_it(start_host: StartHost, admin: Identity) -> None:
    host = start_host(serve=False, environment={"GRPC_ENABLE_FORK_SUPPORT": "0"})
    host.run("import os, tempfile\ndel os.memfd_create, os.O_TMPFILE")
    host.start_service()
    reply = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=60)
    assert list(reply.alarms) == []
    stream = watch(host, admin)
    assert close_in_children(host, 20) == {"0": 20}
    assert goes_on(stream)
    number = int(host.address.rpartition(":")[2])
    mine = host.run(
        "import socket\n"
        "before = len(service._parts.port._sockets._listed())\n"
        f"mine = socket.create_connection(('127.0.0.1', {number}))\n"
        "answer = mine.fileno()"
    )
    host.wait_for("len(service._parts.port._sockets._listed()) == before + 1")
    # Of the child's sockets with the port's number, only the application's end remains.
    told = in_forked_child(
        host,
        "for fd in map(int, os.listdir('/proc/self/fd')):\n"
        "    try: is_socket = stat.S_ISSOCK(os.fstat(fd).st_mode)\n"
        "    except OSError: continue\n"
        "    if is_socket:\n"
        "        one = socket.socket(fileno=os.dup(fd))\n"
        "        names = [one.getsockname()[1:2]]\n"
        "        try: names.append(one.getpeername()[1:2])\n"
        "        except OSError: pass\n"
        "        one.close()\n"
        f"        if ({number},) in names: told.append(fd)",
    )
    assert told == [mine]
