"""The descriptors that a forked child of the host inherits: the application's, and none of
the port's."""

from __future__ import annotations

import os
import socket

import grpc
import pytest
from fix_certs import Identity
from fix_forks import in_forked_child
from fix_host import StartHost
from fix_streams import goes_on, watch


def test_a_child_has_the_applications_sockets_and_none_of_the_ports(
    start_host: StartHost, admin: Identity
) -> None:
    host = start_host()
    stream = watch(host, admin)
    number = int(host.address.rpartition(":")[2])
    # Sockets with the port's number that are not the port's, in every variant.
    mine = host.run(
        "import socket\n"
        "datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        f"datagrams.bind(('127.0.0.1', {number}))\n"
        f"elsewhere = socket.create_server(('127.0.0.2', {number}))\n"
        f"here = socket.create_connection(('127.0.0.2', {number}))\n"
        "there = elsewhere.accept()[0]\n"
        f"outgoing = socket.create_connection(('127.0.0.1', {number}))\n"
        "kept = [datagrams, elsewhere, here, there, outgoing]\n"
        "answer = [each.fileno() for each in kept]"
    )
    told = in_forked_child(
        host,
        "told += [each.getsockname()[1] if each.fileno() >= 0 else None for each in kept]\n"
        "for fd in map(int, os.listdir('/proc/self/fd')):\n"
        "    try: link = os.readlink(f'/proc/self/fd/{fd}')\n"
        "    except OSError: continue\n"
        f"    if fd in {mine}: told.append(link.partition(':')[0])",
    )
    assert [told[each] for each in (0, 1, 3)] == [number] * 3
    assert told[5:] == ["socket"] * 5
    assert goes_on(stream)
    # The child does not have the port's own: when the parent dies, its callers notice.
    child = host.run(
        "child = os.fork()\nif child == 0:\n    import time; time.sleep(60)\nanswer = child"
    )
    try:
        host.process.kill()
        host.process.wait()
        with pytest.raises(grpc.RpcError) as raised:
            list(stream)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", number), 5).close()
    finally:
        os.kill(child, 9)


def test_a_fork_does_nothing_to_descriptors_of_the_application(start_host: StartHost) -> None:
    host = start_host()
    # More descriptors than select accepts, and a default timeout, as urllib's users set it.
    told = host.run(
        "import fcntl, os, resource, socket, sys\n"
        "soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))\n"
        "socket.setdefaulttimeout(10)\n"
        "pairs = [socket.socketpair() for _ in range(700)]\n"
        "for pair in pairs:\n"
        "    for each in pair: each.settimeout(None)\n"
        "seen = []\n"
        "looking = [True]\n"
        "sys.addaudithook(lambda event, args: looking[0] and seen.append((event, args)))\n"
        "child = os.fork()\n"
        "if child == 0: os._exit(0)\n"
        "looking[0] = False\n"
        "os.waitpid(child, 0)\n"
        "flags = {fcntl.fcntl(each, fcntl.F_GETFL) & os.O_NONBLOCK for p in pairs for each in p}\n"
        "answer = [sorted(flags), [event for event, _ in seen if event == 'os.listdir' or "
        "event.startswith('socket')], len(seen)]\n"
        "for p in pairs:\n"
        "    for each in p: each.close()\n"
        "socket.setdefaulttimeout(None)"
    )
    flags, looks, events = told
    assert flags == [0]
    # Descriptors are not listed, so their number does not affect the cost of a fork.
    assert looks == []
    assert 0 < events < 60
    host.assert_printed_nothing()


def test_a_number_that_is_another_instances_by_now(start_host: StartHost) -> None:
    host = start_host()
    # As a daemon that closes everything, and then opens its own files.
    host.run(
        "import os, select, socket\n"
        "epoll = service._parts.port._sockets._epoll\n"
        "fresh = select.epoll()\n"
        "mine = socket.create_server(('127.0.0.1', 0))\n"
        "fresh.register(mine)\n"
        "saved = os.dup(epoll)\n"
        "os.dup2(fresh.fileno(), epoll)"
    )
    assert in_forked_child(host, "told.append(mine.getsockname()[0])") == ["127.0.0.1"]
    host.run("os.dup2(saved, epoll)")
