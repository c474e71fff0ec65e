"""A host that forks: its children, its own gRPC, and the port do not affect each other.

Releases of grpcio differ in what they do at a fork. `make test-grpcio` runs this file,
and the others that begin with `test_fork`, with several releases.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_forks import CHILDREN, close_in_children
from fix_host import StartHost
from fix_streams import goes_on, watch


@pytest.mark.parametrize("connected", [False, True])
def test_children_that_close_all_descriptors(
    start_host: StartHost, admin: Identity, connected: bool
) -> None:
    host = start_host()
    stream = watch(host, admin) if connected else None
    counts = close_in_children(host, CHILDREN)
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
    # The child has only its own thread.
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
        [sys.executable, "-P", "-W", "ignore", "-c", ENDS],
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
    # Workers that are forked first, each with its own server and client. Once the parent has
    # those too, children of grpcio 1.62 and 1.74 hang or die even without a port.
    assert host.run("answer = in_children(serve_and_call)") == [0] * 5
    host.run(
        "own, own_port = serve()\n"
        "kept = grpc.insecure_channel(f'127.0.0.1:{own_port}')\n"
        "echo = kept.unary_unary('/echo/Echo')\n"
        "answer = echo(b'x', timeout=30).decode()"
    )
    assert host.run("answer = in_children(lambda: 0)") == [0] * 5
    # The parent's own gRPC goes on, over an existing connection and over a new one.
    assert host.run("answer = [echo(b'x', timeout=30).decode(), call(own_port)]") == ["x", True]
    assert goes_on(stream)
    host.run("own.stop(None)")
    assert goes_on(stream)
