"""Certificates that expire while the service runs: for callers who resume their TLS
sessions, and for callers who are connected."""

from __future__ import annotations

import datetime
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, uri
from fix_host import ADMIN, VIEWER, StartHost
from fix_http2 import ResumingClient
from fix_rotation import replace
from fix_status import status_of
from fix_streams import watch, why_it_ended
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from ops_service.v1 import process_pb2, repl_pb2

PRINCIPAL = b"/ops_service.v1.MaintenanceService/GetPrincipal"
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
# Long enough for a first call on a busy machine.
SOON = datetime.timedelta(seconds=6)
UNAUTHENTICATED = str(grpc.StatusCode.UNAUTHENTICATED.value[0]).encode()


def answer(client: ResumingClient) -> bytes | None:
    """The code of a call: 0 if it was served, None if there was no answer."""
    try:
        found = client.call(PRINCIPAL)
    except OSError:
        return None
    return None if found is None else found[b"grpc-status"]


def test_who_resumes_a_session_is_refused_once_any_certificate_expired(
    start_host: StartHost, authority: CertificateAuthority, tmp_path: Path
) -> None:
    # All are made at the same time, and the handshakes finish while all are valid.
    ending = CertificateAuthority(tmp_path / "ending", name="ending", not_after=SOON)
    between = CertificateAuthority(
        tmp_path / "between", name="between", above=authority, not_after=SOON
    )
    lasting = CertificateAuthority(tmp_path / "lasting", name="lasting", above=authority)
    name = uri(VIEWER)
    identities = {
        "The certificate": authority.issue("short", name, not_after=SOON),
        "A certificate between": between.issue("below", name),
        "The authority of the": ending.issue("of the ending", name),
        "": lasting.issue("lasting", name),
    }
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(authority.certificate.read_bytes() + ending.certificate.read_bytes())
    host = start_host(tls={"client_ca": str(bundle)})
    clients = {
        (words, version): ResumingClient(
            host.address, Identity(each.certificate, each.private_key, authority.certificate), tls
        )
        for words, each in identities.items()
        for version, tls in VERSIONS.items()
    }
    for client in clients.values():
        assert (answer(client), client.resumed) == (b"0", False)
    for client in clients.values():
        assert (answer(client), client.resumed) == (b"0", True)

    for (words, _), client in clients.items():
        if not words:
            continue
        eventually(lambda client=client: answer(client) != b"0")
        # Each over its own connection, with the ticket of the one before.
        for _ in range(4):
            found = client.call(PRINCIPAL)
            assert client.resumed
            assert found is not None
            assert found[b"grpc-status"] == UNAUTHENTICATED
            assert found[b"grpc-message"].startswith(words.encode())
            assert b"expired at 20" in found[b"grpc-message"]
    for version in VERSIONS:
        client = clients["", version]
        assert (answer(client), client.resumed) == (b"0", True)
    record = next(r for r in host.audit_records() if r["event"] == "refused")
    assert record["principal"] == VIEWER
    assert (record["code"], record["reason"]) == ("UNAUTHENTICATED", "CERTIFICATE_OUT_OF_DATE")
    assert record["error"] == "CertificateOutOfDate"
    host.assert_printed_nothing()


def test_streams_end_with_the_certificate(
    start_host: StartHost, authority: CertificateAuthority, admin: Identity
) -> None:
    host = start_host(evaluation={"enabled": True})
    short = authority.issue("short", uri(ADMIN), not_after=SOON)
    over = threading.Event()

    def requests() -> Iterator[repl_pb2.OpenReplRequest]:
        yield repl_pb2.OpenReplRequest(open={})
        yield repl_pb2.OpenReplRequest(input={"source": "while True: pass"})
        over.wait(120)

    def running() -> int:
        reply = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
        return len(reply.running_evaluations)

    stream, kept, repl = (
        watch(host, short),
        watch(host, admin),
        host.stub(short).OpenRepl(requests(), timeout=120),
    )
    session_id = next(repl).header.session_id
    # A stream that sends nothing by itself.
    health = HealthStub(host.channel(short)).Watch(health_pb2.HealthCheckRequest(), timeout=120)
    next(health)

    for each in (stream, repl, health):
        status, ended = why_it_ended(each), time.time()
        assert status.code == grpc.StatusCode.UNAUTHENTICATED
        assert status.reason == "CERTIFICATE_OUT_OF_DATE"
        assert status.message.startswith("The certificate expired at ")
        assert short.expiry <= ended < short.expiry + 5
    over.set()
    # The session behind it ends too, and the code that it ran.
    eventually(lambda: running() == 0)
    again = repl_pb2.OpenReplRequest(open={"session_id": session_id})
    status = why_it_ended(host.stub(admin).OpenRepl(iter([again]), timeout=120))
    assert status.code is grpc.StatusCode.NOT_FOUND

    # A call over the existing connection, including a health check.
    for call in (
        lambda: host._channels[0].unary_unary(PRINCIPAL.decode())(b"", timeout=120),
        lambda: HealthStub(host._channels[0]).Check(health_pb2.HealthCheckRequest(), timeout=120),
    ):
        with pytest.raises(grpc.RpcError) as raised:
            call()
        assert status_of(raised.value).reason == "CERTIFICATE_OUT_OF_DATE"
    assert next(kept).WhichOneof("part") == "report"
    kept.cancel()
    ends = [
        each
        for each in host.wait_for_records("WatchHeapGrowth", 3)
        if each.get("reason") == "CERTIFICATE_OUT_OF_DATE"
    ]
    assert [each["event"] for each in ends] == ["end"]
    host.assert_printed_nothing()


# As freezegun does it: in every module that holds the function, including ours.
FREEZE = """
import sys, time
real = time.time
def frozen(): return {moment}
def put(old, new):
    for module in list(sys.modules.values()):
        for name, value in list(vars(module).items()):
            if value is old and (module.__name__, name) != ("__main__", "real"):
                setattr(module, name, new)
put(real, frozen)
"""


def test_an_application_that_freezes_its_clock(
    start_host: StartHost, authority: CertificateAuthority, viewer: Identity
) -> None:
    host = start_host()
    short = authority.issue("short", uri(VIEWER), not_after=SOON)
    client = ResumingClient(host.address, short, VERSIONS["1.3"])
    assert answer(client) == b"0"
    for moment in (0.0, 1e11):
        host.run(FREEZE.format(moment=moment))
        assert host.run("answer = time.time()") == moment
        assert answer(ResumingClient(host.address, viewer, VERSIONS["1.3"])) == b"0"
        if not moment:
            eventually(lambda: answer(client) == UNAUTHENTICATED)
        host.run("put(frozen, real)")
    assert answer(client) == UNAUTHENTICATED


# ---- what else no longer counts for a resumed session --------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_revoked_certificate_resumes_to_be_refused(
    start_host: StartHost, authority: CertificateAuthority, tmp_path: Path, version: str
) -> None:
    crl = tmp_path / "ca.crl"
    crl.write_bytes(authority.revocation_list())
    host = start_host(revocation={"crl": str(crl)})
    revoked = authority.issue("revoked", uri(VIEWER))
    client = ResumingClient(host.address, revoked, VERSIONS[version])
    assert answer(client) == b"0"
    replace(crl, authority.revocation_list(revoked.serial))
    eventually(lambda: answer(client) != b"0")
    for _ in range(4):
        found = client.call(PRINCIPAL)
        assert client.resumed
        assert found is not None
        assert b"was revoked" in found[b"grpc-message"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("installed", [True, False])
def test_no_ticket_outlives_its_authority(
    start_host: StartHost,
    authority: CertificateAuthority,
    tmp_path: Path,
    version: str,
    installed: bool,
) -> None:
    other = CertificateAuthority(tmp_path / "other", name="other")
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(authority.certificate.read_bytes() + other.certificate.read_bytes())
    host = start_host(environment={"GRPC_VERBOSITY": "NONE"}, tls={"client_ca": str(bundle)})
    if not installed:
        host.run("import sys; sys.modules['cryptography'] = None")
    gone = other.issue("viewer", uri(VIEWER))
    client, kept = (
        ResumingClient(
            host.address,
            Identity(each.certificate, each.private_key, authority.certificate),
            VERSIONS[version],
        )
        for each in (gone, authority.issue("kept", uri(VIEWER)))
    )
    for each in (client, kept):
        assert (answer(each), each.resumed) == (b"0", False)
        assert (answer(each), each.resumed) == (b"0", True)
    replace(bundle, authority.certificate.read_bytes())
    eventually(lambda: answer(client) != b"0")
    # The port opens again with other ticket keys, which takes some milliseconds.
    eventually(lambda: answer(kept) == b"0" and not kept.resumed)
    assert [answer(client) for _ in range(4)] == [None] * 4
    assert (answer(kept), kept.resumed) == (b"0", True)
