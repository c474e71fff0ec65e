"""The port survives what stops gRPC's own server, and a host that forks."""

from __future__ import annotations

import socket
from pathlib import Path

import grpc
import pytest
from fix_certs import CertificateAuthority, Identity, uri
from fix_host import Host, StartHost
from fix_http2 import Http2
from fix_streams import watch

from ops_service.v1 import process_pb2

GET_PRINCIPAL = b"/ops_service.v1.MaintenanceService/GetPrincipal"


@pytest.mark.parametrize("path", [b"/\xff\xfe", b"/\x80/x", GET_PRINCIPAL + b"\xff", b"\xc3\x28"])
def test_a_method_name_that_is_not_utf8(
    host: Host, admin: Identity, authority: CertificateAuthority, path: bytes
) -> None:
    stream = watch(host, admin)
    # Anyone with a certificate from the authority could do this, with or without a grant.
    stranger = authority.issue("stranger", uri("spiffe://test.example/stranger"))
    client = Http2(host.address, stranger)
    outcome = client.outcome(client.request(path))
    assert outcome is None or outcome.get(b"grpc-status") != b"0"
    client.close()

    # Other callers' streams go on, and nothing is printed to the host's terminal.
    for _ in range(3):
        assert next(stream).WhichOneof("part") == "report"
    stream.cancel()
    host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    host.assert_printed_nothing()


@pytest.mark.parametrize(
    "more",
    [
        (b"x-value", b"\xff\xfe"),
        (b"grpc-timeout", b"\xff"),
        (b"grpc-encoding", b"\xff"),
        (b"grpc-encoding", b"no-such-encoding"),
        (b"user-agent", b"\x00"),
    ],
)
def test_metadata_that_is_not_utf8(host: Host, admin: Identity, more: tuple[bytes, bytes]) -> None:
    client = Http2(host.address, admin)
    client.outcome(client.request(GET_PRINCIPAL, [more]))
    client.close()
    host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)


def test_a_server_that_ends_by_itself_is_opened_anew(
    start_host: StartHost, admin: Identity
) -> None:
    host = start_host()
    stream = watch(host, admin)
    host.run(
        "import asyncio\n"
        "stopping = service._parts.port._server.stop(None)\n"
        "asyncio.run_coroutine_threadsafe(stopping, service._loop).result()"
    )
    with pytest.raises(grpc.RpcError):
        list(stream)
    host.wait_for("service._parts.port.reopened == 1")
    assert host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    host.run("service.stop()")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(host.address.rpartition(":")[2])), 5).close()


FORK = """
import os
child = os.fork()
if child == 0:
    os._exit(0)
answer = os.waitpid(child, 0)[1]
"""


def test_a_unix_socket_over_forks(start_host: StartHost, admin: Identity, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    host = start_host(server={"address": f"unix:{tmp_path}/run/ops.sock"})
    name = [("grpc.ssl_target_name_override", "localhost")]
    for _ in range(3):
        call = host.channel(admin, name).unary_unary(GET_PRINCIPAL.decode())
        assert call(b"", timeout=120, wait_for_ready=True)
        assert host.run(FORK) == 0
    assert (tmp_path / "run/ops.sock").stat().st_mode & 0o777 == 0o600


def test_forks_of_several_threads_at_once(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    stream = watch(host, admin)
    host.run(
        "import os, threading\n"
        "def fork():\n"
        "    child = os.fork()\n"
        "    if child == 0: os._exit(0)\n"
        "    statuses.append(os.waitpid(child, 0)[1])\n"
        "statuses = []\n"
        "threads = [threading.Thread(target=fork) for _ in range(4)]\n"
        "for each in threads: each.start()\n"
        "for each in threads: each.join(60)\n"
        "answer = statuses"
    )
    assert host.run("answer = statuses") == [0] * 4
    for _ in range(3):
        assert next(stream).WhichOneof("part") == "report"
    stream.cancel()
