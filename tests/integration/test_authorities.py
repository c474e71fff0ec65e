"""The bundle of authorities, changed while the service runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import grpc
import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, uri
from fix_host import ADMIN, Host, StartHost
from fix_rotation import replace
from fix_streams import error_of, watch, why_it_ended

from ops_service.v1 import process_pb2


@pytest.fixture
def other(authority: CertificateAuthority, tmp_path: Path) -> CertificateAuthority:
    """An authority of the same name, which the service does not know yet."""
    return CertificateAuthority(tmp_path / "other")


@pytest.fixture
def successor(other: CertificateAuthority, authority: CertificateAuthority) -> Identity:
    """The administrator, with a certificate from the other authority."""
    return dataclasses.replace(other.issue("admin", uri(ADMIN)), ca=authority.certificate)


@pytest.fixture
def bundle(authority: CertificateAuthority, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_bytes(authority.certificate.read_bytes())
    return path


def put(bundle: Path, *authorities: CertificateAuthority) -> None:
    """Replace the bundle."""
    replace(bundle, b"\n".join(each.certificate.read_bytes() for each in authorities))


def answer(host: Host, identity: Identity) -> str:
    """The result of a call over its own connection: "" or the code of its failure."""
    with grpc.secure_channel(host.address, identity.channel_credentials()) as channel:
        call = channel.unary_unary("/ops_service.v1.MaintenanceService/GetPrincipal")
        try:
            call(b"", timeout=120)
        except grpc.RpcError as error:
            return error.code().name
    return ""


def test_an_authority_that_is_replaced(
    start_host: StartHost,
    authority: CertificateAuthority,
    other: CertificateAuthority,
    admin: Identity,
    successor: Identity,
    bundle: Path,
) -> None:
    host = start_host(environment={"GRPC_VERBOSITY": "NONE"}, tls={"client_ca": str(bundle)})
    old = watch(host, admin)
    assert answer(host, successor) == "UNAVAILABLE"

    # Both authorities count, and no caller loses access.
    put(bundle, authority, other)
    eventually(lambda: (answer(host, admin), answer(host, successor)) == ("", ""))
    assert next(old).WhichOneof("part") == "report"
    new = watch(host, successor)

    # An unusable bundle changes nothing, and raises an alarm.
    replace(bundle, b"junk")
    stub, request = host.stub(successor), process_pb2.GetProcessRequest()
    eventually(lambda: [a.topic for a in stub.GetProcess(request, timeout=120).alarms] == ["tls"])
    assert (answer(host, admin), answer(host, successor)) == ("", "")

    # The old authority is removed: its callers lose access, also those already connected.
    put(bundle, other)
    status = why_it_ended(old)
    assert status.code == grpc.StatusCode.PERMISSION_DENIED
    assert "The authority of the certificate is no longer accepted here" in status.message
    # The port closes and opens again, which takes some milliseconds.
    eventually(lambda: (answer(host, admin), answer(host, successor)) == ("UNAVAILABLE", ""))
    assert next(new).WhichOneof("part") == "report"
    assert host.wait_for_records("WatchHeapGrowth", 3)[-1]["code"] == "PERMISSION_DENIED"

    # The old authority can return.
    put(bundle, authority, other)
    eventually(lambda: (answer(host, admin), answer(host, successor)) == ("", ""))
    assert next(new).WhichOneof("part") == "report"
    new.cancel()


def test_whose_callers_cannot_be_told(
    start_host: StartHost,
    authority: CertificateAuthority,
    other: CertificateAuthority,
    admin: Identity,
    successor: Identity,
    bundle: Path,
) -> None:
    put(bundle, authority, other)
    host = start_host(environment={"GRPC_VERBOSITY": "NONE"}, tls={"client_ca": str(bundle)})
    host.run("import sys; sys.modules['cryptography'] = None")
    streams = [watch(host, each) for each in (admin, successor)]
    put(bundle, other)
    for stream in streams:
        assert error_of(stream).code() in (
            grpc.StatusCode.CANCELLED,
            grpc.StatusCode.UNAVAILABLE,
        )
    eventually(lambda: (answer(host, admin), answer(host, successor)) == ("UNAVAILABLE", ""))
    host.assert_printed_nothing()
