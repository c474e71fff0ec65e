"""Faults 64 to 68: a handshake that was valid once, and a certificate that no longer is."""

from __future__ import annotations

import datetime
import ssl
import time
from pathlib import Path

import grpc
import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, uri
from fix_fault_table import Line
from fix_host import ADMIN, Host, StartHost
from fix_http2 import ResumingClient
from fix_rotation import replace
from fix_status import status_of
from fix_watched import FaultHost, measured_pause, under_watch

from ops_service.v1 import growth_pb2

PRINCIPAL = b"/ops_service.v1.MaintenanceService/GetPrincipal"
# Long enough for a first call on a busy machine.
SOON = datetime.timedelta(seconds=5)


def code(client: ResumingClient) -> str:
    """The code of a call over its own connection, or why it has none."""
    try:
        found = client.call(PRINCIPAL)
    except OSError:
        return "no handshake"
    return "reset" if found is None else found[b"grpc-status"].decode()


def assert_refused_by_resumption(client: ResumingClient, status: grpc.StatusCode) -> None:
    """Four calls in a row, each with the ticket of the one before."""
    for _ in range(4):
        assert (code(client), client.resumed) == (str(status.value[0]), True)


def assert_expires(fault: FaultHost, short: Identity, version: ssl.TLSVersion) -> None:
    client = ResumingClient(fault.address, short, version)
    assert (code(client), client.resumed) == ("0", False)
    assert (code(client), client.resumed) == ("0", True)
    eventually(lambda: code(client) != "0")
    assert time.time() >= short.expiry
    assert_refused_by_resumption(client, grpc.StatusCode.UNAUTHENTICATED)
    record = fault.wait_for_records("GetPrincipal", 1)[0]
    assert (record["event"], record["principal"]) == ("refused", ADMIN)
    assert record["reason"] == "CERTIFICATE_OUT_OF_DATE"


def test_64_expired_certificate_resumes_tls_13(
    fault: FaultHost, authority: CertificateAuthority
) -> None:
    short = authority.issue("short", uri(ADMIN), not_after=SOON)
    assert_expires(fault, short, ssl.TLSVersion.TLSv1_3)


def test_65_expired_certificate_resumes_tls_12(
    fault: FaultHost, authority: CertificateAuthority
) -> None:
    short = authority.issue("short", uri(ADMIN), not_after=SOON)
    assert_expires(fault, short, ssl.TLSVersion.TLSv1_2)


def test_66_certificate_expires_mid_stream(
    fault: FaultHost, authority: CertificateAuthority
) -> None:
    short = authority.issue("short", uri(ADMIN), not_after=SOON)
    request = growth_pb2.WatchHeapGrowthRequest(interval={"nanos": 200_000_000})
    stream = fault.stub(short).WatchHeapGrowth(request, timeout=120)
    with pytest.raises(grpc.RpcError) as raised:
        for _ in stream:
            pass
    ended = time.time()
    assert status_of(raised.value).reason == "CERTIFICATE_OUT_OF_DATE"
    assert short.expiry <= ended < short.expiry + 5
    record = fault.wait_for_last_call("WatchHeapGrowth")[1]
    assert (record["event"], record["reason"]) == ("end", "CERTIFICATE_OUT_OF_DATE")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_67_authority_taken_out_and_68_serial_revoked_by_resumption(
    start_host: StartHost,
    control: Host,
    line: Line,
    authority: CertificateAuthority,
    admin: Identity,
    tmp_path: Path,
    version: ssl.TLSVersion,
) -> None:
    other = CertificateAuthority(tmp_path / "other", name="other")
    bundle, crl = tmp_path / "ca.pem", tmp_path / "ca.crl"
    own = authority.certificate.read_bytes()
    bundle.write_bytes(own + other.certificate.read_bytes())
    crl.write_bytes(authority.revocation_list() + other.revocation_list())
    host = start_host(
        environment={"GRPC_VERBOSITY": "NONE"},
        tls={"client_ca": str(bundle)},
        revocation={"crl": str(crl)},
    )
    with under_watch(host, control, line, measured_pause(host, admin)):
        stranded, revoked = other.issue("stranded", uri(ADMIN)), authority.issue("r", uri(ADMIN))
        stranded = Identity(stranded.certificate, stranded.private_key, authority.certificate)
        clients = [ResumingClient(host.address, each, version) for each in (stranded, revoked)]
        for client in clients:
            assert (code(client), client.resumed) == ("0", False)
            assert (code(client), client.resumed) == ("0", True)

        # 68: the connection still opens, and every call over it is refused.
        replace(crl, authority.revocation_list(revoked.serial) + other.revocation_list())
        eventually(lambda: code(clients[1]) != "0")
        assert_refused_by_resumption(clients[1], grpc.StatusCode.PERMISSION_DENIED)

        # 67: the port opens again, and its new keys do not open old tickets.
        replace(crl, authority.revocation_list())
        replace(bundle, own)
        eventually(lambda: code(clients[0]) not in ("0", "7"))
        eventually(lambda: code(clients[1]) == "0")
        assert {code(clients[0]) for _ in range(4)} <= {"no handshake", "reset"}
