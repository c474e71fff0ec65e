"""A host that forks: its children, its own gRPC, and the port are as without each other.

Run with several releases of grpcio, since they differ in what they do at a fork
(`make test-grpcio`).
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from fix_certs import Identity
from fix_host import Host, StartHost

from ops_service.v1 import growth_pb2, process_pb2

GET_PRINCIPAL = "/ops_service.v1.MaintenanceService/GetPrincipal"
# `make nightly` takes a thousand.
RESTARTS_IN_CHILDREN = tuple(map(int, grpc.__version__.split(".")[:2])) >= (1, 80)
CHILDREN = int(os.environ.get("FORK_CHILDREN", "60"))


def watch(host: Host, identity: Identity) -> Any:
    """An open stream that tells something ten times a second."""
    request = growth_pb2.WatchHeapGrowthRequest(
        interval={"nanos": 100_000_000}, duration={"seconds": 3600}
    )
    stream = host.stub(identity).WatchHeapGrowth(request, timeout=600, wait_for_ready=True)
    assert next(stream).WhichOneof("part") == "header"
    return stream


def goes_on(stream: Any) -> bool:
    """Whether a stream still tells what is new. What was told before is read first."""
    return all(next(stream).WhichOneof("part") == "report" for _ in range(2))


# Twenty at a time, since each lives for as long as gRPC's threads need to look around.
CLOSING = """
import collections, os, time
counts = collections.Counter()
for _ in range({children} // 20):
    pids = []
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            os.closerange(3, 4096)
            time.sleep(0.2)
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        counts[str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))] += 1
answer = counts
"""


@pytest.mark.parametrize("connected", [False, True])
def test_children_that_close_all_descriptors(
    start_host: StartHost, admin: Identity, connected: bool
) -> None:
    host = start_host()
    stream = watch(host, admin) if connected else None
    counts = host.run(CLOSING.format(children=CHILDREN))
    assert counts == {"0": CHILDREN // 20 * 20}
    assert stream is None or goes_on(stream)
    host.assert_printed_nothing()


def test_daemons(start_host: StartHost, tmp_path: Path) -> None:
    host = start_host()
    host.run(
        "import os, time\n"
        "for number in range(20):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        os.setsid()\n"
        "        if os.fork(): os._exit(0)\n"
        "        os.closerange(3, 4096)\n"
        "        time.sleep(0.2)\n"
        f"        os.close(os.open(f'{tmp_path}/{{number}}', os.O_CREAT))\n"
        "        os._exit(0)\n"
        "    os.waitpid(child, 0)"
    )
    host.wait_for(f"len(__import__('os').listdir('{tmp_path}')) == 20")


def test_children_with_a_function_before_exec(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    stream = watch(host, admin)
    codes = host.run(
        "import os, subprocess\n"
        "answer = [subprocess.run(['true'], preexec_fn=os.setpgrp).returncode for _ in range(40)]"
    )
    assert codes == [0] * 40
    assert goes_on(stream)
    host.assert_printed_nothing()


@pytest.mark.parametrize("support", ["", "0", "1"])
def test_calls_go_on(start_host: StartHost, admin: Identity, support: str) -> None:
    host = start_host(environment={"GRPC_ENABLE_FORK_SUPPORT": support} if support else None)
    stream = watch(host, admin)
    tasks = host.run(
        "import os\n"
        "answer = []\n"
        "for _ in range(10):\n"
        "    read, write = os.pipe()\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        os.write(write, b'%d' % len(os.listdir('/proc/self/task')))\n"
        "        os._exit(0)\n"
        "    os.close(write)\n"
        "    answer.append(os.read(read, 9).decode())\n"
        "    os.close(read), os.waitpid(child, 0)"
    )
    # The child has no thread but its own.
    assert tasks == ["1"] * 10
    assert goes_on(stream)
    stream.cancel()


def test_subprocesses_of_uvloop(start_host: StartHost, admin: Identity) -> None:
    pytest.importorskip("uvloop", reason="uvloop is not installed")
    host = start_host()
    stream = watch(host, admin)
    host.run(
        "import asyncio, uvloop\n"
        "async def spawn():\n"
        "    for _ in range(20):\n"
        "        process = await asyncio.create_subprocess_exec('true')\n"
        "        assert await process.wait() == 0\n"
        "with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:\n"
        "    runner.run(spawn())"
    )
    assert goes_on(stream)


# ---- the end of a child ------------------------------------------------------------

ENDS = """
import multiprocessing, os, sys
import ops_service
service = ops_service.start()
def work():
    kept = [object() for _ in range(10)]
process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join(20)
print(process.exitcode)
child = os.fork()
if child == 0:
    # Through the end of the interpreter, with all that the service has left there.
    import gc
    gc.collect()
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
child = os.fork()
if child == 0:
    del service
    gc = __import__("gc")
    gc.collect()
    raise SystemExit(8)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_children_that_end_as_programs_do(start_host: StartHost) -> None:
    host = start_host(serve=False)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ENDS],
        env={**os.environ, "OPS_SERVICE_CONFIG": str(host.directory / "ops.toml")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.split(), done.stderr) == (["0", "7", "8"], "")
    assert done.returncode == 0


# ---- the application's own gRPC ----------------------------------------------------

OWN_GRPC = """
import grpc, os, signal
from concurrent import futures

class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)

def serve():
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port

def call(port):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        return channel.unary_unary("/echo/Echo")(b"x", timeout=30) == b"x"

def in_children(work):
    statuses = []
    for _ in range(5):
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            try:
                os._exit(work())
            finally:
                os._exit(99)
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return statuses

def serve_and_call():
    server, port = serve()
    return 0 if call(port) else 1
"""


@pytest.mark.parametrize("first", ["application", "port"])
def test_an_application_with_grpc_of_its_own(
    start_host: StartHost, admin: Identity, first: str
) -> None:
    # gRPC's own lines about its own fork handlers are not ours to change.
    host = start_host(serve=False, environment={"GRPC_VERBOSITY": "NONE"})
    if first == "port":
        host.start_service()
    host.run(OWN_GRPC)
    if first == "application":
        host.start_service()
    stream = watch(host, admin)
    # Workers that are forked first, each with a server and a client of its own. Once the
    # parent has those too, children of grpcio 1.62 and 1.74 hang or die without a port.
    assert host.run("answer = in_children(serve_and_call)") == [0] * 5
    host.run(
        "own, own_port = serve()\n"
        "kept = grpc.insecure_channel(f'127.0.0.1:{own_port}')\n"
        "echo = kept.unary_unary('/echo/Echo')\n"
        "answer = echo(b'x', timeout=30).decode()"
    )
    assert host.run("answer = in_children(lambda: 0)") == [0] * 5
    # The parent's own go on, over a connection that was there before and over a new one.
    assert host.run("answer = [echo(b'x', timeout=30).decode(), call(own_port)]") == ["x", True]
    assert goes_on(stream)
    host.run("own.stop(None)")
    assert goes_on(stream)


# ---- what the child takes along ----------------------------------------------------


def in_child(host: Host, code: str) -> Any:
    """Run statements in a forked child; returns what they append to ``told``."""
    body = code.replace("\n", "\n    ")
    return host.run(
        "import json, os, socket, stat\n"
        "read, write = os.pipe()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    told = []\n"
        f"    {body}\n"
        "    os.write(write, json.dumps(told).encode())\n"
        "    os._exit(0)\n"
        "os.close(write)\n"
        "answer = json.loads(os.read(read, 65536))\n"
        "os.close(read), os.waitpid(child, 0)"
    )


def test_a_child_has_the_applications_sockets_and_none_of_the_ports(
    start_host: StartHost, admin: Identity
) -> None:
    host = start_host()
    stream = watch(host, admin)
    number = int(host.address.rpartition(":")[2])
    # The same number as the port's, in all the ways that are not the port's.
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
    told = in_child(
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
    # The port's own are gone from it: when the parent dies, its callers hear of that.
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
    # More descriptors than select takes, and a default timeout, as urllib's users set.
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
    # Descriptors are not listed, so their number is nothing to the cost of a fork.
    assert looks == []
    assert 0 < events < 60
    host.assert_printed_nothing()


def test_a_number_that_is_another_instances_by_now(start_host: StartHost) -> None:
    host = start_host()
    # As a daemon does that closes everything, and then opens files of its own.
    host.run(
        "import os, select, socket\n"
        "epoll = service._parts.port._sockets._epoll\n"
        "fresh = select.epoll()\n"
        "mine = socket.create_server(('127.0.0.1', 0))\n"
        "fresh.register(mine)\n"
        "saved = os.dup(epoll)\n"
        "os.dup2(fresh.fileno(), epoll)"
    )
    assert in_child(host, "told.append(mine.getsockname()[0])") == ["127.0.0.1"]
    host.run("os.dup2(saved, epoll)")


# ---- where the port cannot have a gRPC of its own ----------------------------------


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
    counts = host.run(CLOSING.format(children=20))
    # Since 1.80 gRPC may restart its threads in the child all the same, which the alarm says.
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
    assert host.run(CLOSING.format(children=20)) == {"0": 20}
    assert goes_on(stream)
    number = int(host.address.rpartition(":")[2])
    mine = host.run(
        "import socket\n"
        "before = len(service._parts.port._sockets._listed())\n"
        f"mine = socket.create_connection(('127.0.0.1', {number}))\n"
        "answer = mine.fileno()"
    )
    host.wait_for("len(service._parts.port._sockets._listed()) == before + 1")
    # Of the child's sockets with the port's number, the application's end alone is left.
    told = in_child(
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
