"""The typed clients, both flavours, against a real host process."""

from __future__ import annotations

import datetime
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fix_certs import CertificateAuthority, Identity, dns, uri
from fix_client import Connect, credentials_of
from fix_host import ADMIN, Host, StartHost

from ops_client import ClientCredentials, MaintenanceClient, _status
from ops_client.errors import (
    CallFailed,
    CredentialsError,
    HostUnreachable,
    InvalidRequest,
    NothingListening,
    PermissionDenied,
    ServerSilent,
    TlsFailed,
    WrongProcess,
)
from ops_service import errors as host_errors
from ops_service.v1 import annotations_pb2

SOON = 2.0


@pytest.fixture
def silent_port() -> Iterator[str]:
    """A port that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"localhost:{listener.getsockname()[1]}"


@pytest.fixture
def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"localhost:{listener.getsockname()[1]}"


def test_whoever_calls_is_told_who_it_is(connect: Connect, host: Host, admin: Identity) -> None:
    reply = connect(host.address, credentials_of(admin)).get_principal()
    assert reply.principal == ADMIN
    assert annotations_pb2.CAPABILITY_EVALUATE in reply.capabilities


def test_facts_of_the_process_come_from_the_process(
    connect: Connect, host: Host, admin: Identity
) -> None:
    reply = connect(host.address, credentials_of(admin)).get_process()
    assert reply.process.pid == host.pid
    assert reply.process.instance_id == host.instance_id


def test_another_process_than_the_pinned_one_is_refused(
    connect: Connect, host: Host, admin: Identity
) -> None:
    client = connect(host.address, credentials_of(admin), instance_id=host.instance_id)
    assert client.get_process().process.pid == host.pid
    with pytest.raises(WrongProcess) as caught:
        connect(host.address, credentials_of(admin), instance_id="other").get_process()
    assert (caught.value.code, caught.value.reason) == ("ABORTED", "WRONG_PROCESS")


def test_a_missing_capability_is_named(
    connect: Connect, host: Host, viewer: Identity, tmp_path: Path
) -> None:
    client = connect(host.address, credentials_of(viewer))
    with pytest.raises(PermissionDenied, match="READ_HEAP"):
        client.capture_heap_snapshot(tmp_path / "some.heapgraph")
    with pytest.raises(PermissionDenied, match="EVALUATE"):
        client.evaluate_code("1")
    assert list(tmp_path.iterdir()) == []


def test_an_invalid_request_is_refused(connect: Connect, host: Host, admin: Identity) -> None:
    with pytest.raises(InvalidRequest):
        connect(host.address, credentials_of(admin)).summarize_heap(limit=10_001)


def test_the_name_in_the_certificate_can_be_given(
    connect: Connect, host: Host, admin: Identity
) -> None:
    credentials = credentials_of(admin, server_name="localhost")
    assert connect(host.address, credentials).get_principal().principal == ADMIN
    with pytest.raises(TlsFailed, match="another name"):
        connect(host.address, credentials_of(admin, server_name="other.example")).get_principal()


def test_no_certificate_says_tls(connect: Connect, host: Host, admin: Identity) -> None:
    with pytest.raises(TlsFailed, match="requires a client certificate"):
        connect(host.address, ClientCredentials(admin.ca)).get_principal()


def test_a_certificate_of_another_authority_says_tls(
    connect: Connect, host: Host, admin: Identity, tmp_path: Path
) -> None:
    stranger = CertificateAuthority(tmp_path).issue("admin", uri(ADMIN))
    with pytest.raises(TlsFailed, match="not signed by the CA given"):
        connect(host.address, credentials_of(stranger)).get_principal()
    with pytest.raises(TlsFailed, match="does not accept the client certificate"):
        connect(host.address, credentials_of(stranger, ca=admin.ca)).get_principal()


def test_an_expired_certificate_says_tls(
    connect: Connect, host: Host, authority: CertificateAuthority
) -> None:
    expired = authority.issue(
        "expired",
        uri(ADMIN),
        not_before=-datetime.timedelta(days=3),
        not_after=-datetime.timedelta(days=2),
    )
    with pytest.raises(TlsFailed, match="does not accept the client certificate"):
        connect(host.address, credentials_of(expired)).get_principal()


def test_an_unknown_principal_is_denied(
    connect: Connect, host: Host, authority: CertificateAuthority
) -> None:
    stranger = authority.issue("stranger", dns("stranger.example"))
    with pytest.raises(PermissionDenied, match=r"stranger\.example"):
        connect(host.address, credentials_of(stranger)).get_process()


def test_a_port_without_tls_says_tls(connect: Connect, admin: Identity) -> None:
    server = subprocess.Popen(
        [sys.executable, "-uc", PLAIN_SERVER], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with pytest.raises(TlsFailed, match="TLS"):
            connect(f"localhost:{port}", credentials_of(admin)).get_principal()
    finally:
        server.kill()
        server.communicate()


PLAIN_SERVER = """
from http.server import BaseHTTPRequestHandler, HTTPServer
server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
print(server.server_port)
server.serve_forever()
"""


def test_nobody_listening_is_told(connect: Connect, free_port: str, admin: Identity) -> None:
    with pytest.raises(NothingListening, match="Nothing listens"):
        connect(free_port, credentials_of(admin)).get_principal()


def test_a_socket_that_is_not_there_is_told(
    connect: Connect, admin: Identity, tmp_path: Path
) -> None:
    with pytest.raises(NothingListening):
        connect(f"unix:{tmp_path}/absent.sock", credentials_of(admin)).get_principal()


def test_an_unknown_host_is_told(connect: Connect, admin: Identity) -> None:
    with pytest.raises(HostUnreachable, match="cannot be found"):
        connect("no-such-host.invalid:1", credentials_of(admin)).get_principal()


def test_a_silent_port_says_what_to_try(
    connect: Connect, silent_port: str, admin: Identity
) -> None:
    client = connect(silent_port, credentials_of(admin), connect_timeout=SOON)
    with pytest.raises(ServerSilent, match=r"GIL.*py-spy"):
        client.get_principal()


def test_a_stopped_process_is_silent(
    connect: Connect, start_host: StartHost, admin: Identity
) -> None:
    host = start_host()
    client = connect(host.address, credentials_of(admin), connect_timeout=SOON)
    assert client.get_process().process.pid == host.pid
    host.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(ServerSilent, match="py-spy"):
            client.get_process(timeout=SOON)
    finally:
        host.process.send_signal(signal.SIGCONT)
    host.assert_alive()


def call_until_it_fails(client: MaintenanceClient) -> None:
    while True:
        client.get_process(timeout=SOON)


def test_a_held_gil_makes_the_process_silent(
    connect: Connect, start_host: StartHost, admin: Identity, tmp_path: Path
) -> None:
    host = start_host()
    client = connect(host.address, credentials_of(admin), connect_timeout=SOON)
    fifo = tmp_path / "release"
    os.mkfifo(fifo)
    # A call through PyDLL keeps the GIL: here until the test writes to the pipe.
    hold = (
        f"import ctypes, os\n"
        f"pipe = os.open({str(fifo)!r}, os.O_RDONLY)\n"
        f"ctypes.PyDLL(None).read(pipe, ctypes.create_string_buffer(1), 1)\n"
    )
    holder = threading.Thread(target=host.run, args=(hold,))
    holder.start()
    with fifo.open("wb", buffering=0) as release:
        try:
            with pytest.raises(ServerSilent, match="GIL"):
                call_until_it_fails(client)
        finally:
            release.write(b"!")
    holder.join()
    host.assert_alive()


def test_every_reason_of_the_service_has_an_exception() -> None:
    reasons = {"INTERNAL"}
    waiting = [host_errors.OpsServiceError]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            reasons.add(kind.reason)
            waiting.append(kind)
    # These refuse a start, so no call can return them.
    assert reasons - {"CONFIGURATION", "START"} == set(_status.REASONS)
    kinds = [kind for reason, kind in _status.REASONS.items() if reason != "INTERNAL"]
    assert len(set(kinds)) == len(kinds)
    assert CallFailed not in kinds


def test_credentials_that_cannot_be_used_are_refused_before_any_call(
    admin: Identity, viewer: Identity, tmp_path: Path
) -> None:
    absent = tmp_path / "absent.pem"
    junk = tmp_path / "junk.pem"
    junk.write_bytes(b"\xff\x00 no certificate")
    for wrong, match in [
        (ClientCredentials(absent), "absent.pem cannot be read"),
        (ClientCredentials(tmp_path), "cannot be read"),
        (ClientCredentials(junk), "contains no certificates"),
        (credentials_of(admin, key=viewer.private_key), "belong together"),
        (credentials_of(admin, key=junk), "belong together"),
        (credentials_of(admin, key=absent), "absent.pem cannot be read"),
        (credentials_of(admin, key=None), "a cert but no key"),
        (credentials_of(admin, cert=None), "a key but no cert"),
    ]:
        with pytest.raises(CredentialsError, match=match):
            MaintenanceClient("localhost:1", wrong)
