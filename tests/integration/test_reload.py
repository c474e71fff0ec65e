"""Grants, denied serials and revocation lists that change while the service runs."""

from __future__ import annotations

import datetime
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, uri
from fix_host import ADMIN, VIEWER, Host, HostError, StartHost
from fix_rotation import replace
from fix_status import status_of
from fix_streams import watch, why_it_ended
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from ops_service.v1 import evaluation_pb2, process_pb2, repl_pb2


def edit(host: Host, *pairs: tuple[str, str]) -> None:
    """Change the configuration file, in one step."""
    file = host.directory / "ops.toml"
    text = file.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (host.directory / "new").write_text(text)
    os.replace(host.directory / "new", file)


def alarms(host: Host, identity: Identity) -> dict[str, str]:
    reply = host.stub(identity).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    return {each.topic: each.text for each in reply.alarms}


def alarm_health(host: Host, identity: Identity) -> int:
    stub = HealthStub(host.channel(identity))
    request = health_pb2.HealthCheckRequest(service="ops_service.alarms")
    return stub.Check(request, timeout=120).status


# ---- grants ------------------------------------------------------------------------


def test_a_grant_that_is_taken_away_ends_what_it_allowed(
    start_host: StartHost, admin: Identity, viewer: Identity
) -> None:
    host = start_host()
    request = evaluation_pb2.EvaluateCodeRequest(
        source="import time\nwhile True: time.sleep(0.01)", time_limit={"seconds": 5}
    )
    host.run("app_config = None")
    evaluation = host.stub(admin).EvaluateCode(request, timeout=120)
    next(evaluation)
    stream, other = watch(host, admin), watch(host, viewer)
    edit(host, (', "EVALUATE"', ""))
    status = why_it_ended(evaluation)
    assert status.code == grpc.StatusCode.PERMISSION_DENIED
    assert status.details["missing_capability"] == "EVALUATE"
    host.wait_for("not service_evaluations()")
    # What the principal may still do goes on, and so do other callers' streams.
    assert next(stream).WhichOneof("part") == "report"
    assert next(other).WhichOneof("part") == "report"

    edit(host, (f'principal = "{VIEWER}"', 'principal = "spiffe://test.example/x"'))
    assert "which has no grant" in why_it_ended(other).message
    with pytest.raises(grpc.RpcError):
        alarms(host, viewer)
    assert host.wait_for_records("WatchHeapGrowth", 3)[-1]["code"] == "PERMISSION_DENIED"
    stream.cancel()


def test_a_configuration_that_cannot_be_used_changes_nothing(
    start_host: StartHost, admin: Identity, viewer: Identity
) -> None:
    host = start_host()
    assert alarms(host, viewer) == {}
    assert alarm_health(host, viewer) == health_pb2.HealthCheckResponse.SERVING
    edit(host, ('"INSPECT"', '"INSPEKT"'))
    eventually(lambda: bool(alarms(host, viewer)))
    (text,) = alarms(host, viewer).values()
    assert "the old state stays" in text
    assert f"{host.directory}/ops.toml:" in text
    assert "'INSPEKT', which is not a capability" in text
    assert alarm_health(host, viewer) == health_pb2.HealthCheckResponse.NOT_SERVING
    (record,) = [each for each in host.audit_records() if each["event"] == "alarm"]
    assert (record["topic"], record["text"]) == ("configuration", text)

    edit(host, ('"INSPEKT"', '"INSPECT"'))
    eventually(lambda: not alarms(host, viewer))
    eventually(lambda: alarm_health(host, viewer) == health_pb2.HealthCheckResponse.SERVING)
    assert "mended" in [each["event"] for each in host.audit_records()]


def test_what_needs_a_new_start_is_said(start_host: StartHost, viewer: Identity) -> None:
    host = start_host(limits={"calls": 30})
    edit(host, ("calls = 30", "calls = 31"))
    eventually(lambda: "restart" in alarms(host, viewer))
    assert alarms(host, viewer)["restart"].startswith("limits changed in ")


def test_a_configuration_that_others_may_write(start_host: StartHost) -> None:
    host = start_host(serve=False)
    (host.directory / "ops.toml").chmod(0o666)
    with pytest.raises(HostError, match=r"ops\.toml may be written by everyone; run chmod o-w"):
        host.start_service()
    (host.directory / "ops.toml").chmod(0o600)
    host.directory.chmod(0o777)
    with pytest.raises(HostError, match="a directory in which everyone may replace it"):
        host.start_service()
    host.assert_printed_nothing()


def test_a_wildcard(start_host: StartHost, authority: CertificateAuthority) -> None:
    host = start_host(
        grants=[
            {"principal": "spiffe://test.example/team/*", "capabilities": ["INSPECT"]},
            {"principal": "spiffe://test.example/team/b", "capabilities": ["READ_HEAP"]},
        ]
    )
    names = {"team/a": True, "team/b": False, "team": False, "team/a/b": False, "teams/a": False}
    for name, granted in names.items():
        identity = authority.issue("wild", uri(f"spiffe://test.example/{name}"))
        call = host.stub(identity).GetProcess.future(process_pb2.GetProcessRequest(), timeout=120)
        assert (call.exception() is None) is granted, name


# ---- revocation --------------------------------------------------------------------


def test_a_denied_serial(start_host: StartHost, authority: CertificateAuthority) -> None:
    host = start_host(revocation={"denied_serials": ["1"]})
    denied, kept = (authority.issue(name, uri(ADMIN)) for name in ("denied", "kept"))
    stream, other = watch(host, denied), watch(host, kept)
    text = f"{denied.serial:x}"
    # As openssl prints it, and with colons.
    edit(host, ('["1"]', f'["{text.upper()}", "00:01"]'))
    status = why_it_ended(stream)
    assert status.code == grpc.StatusCode.PERMISSION_DENIED
    assert f"The serial number {text} of the certificate is denied here" in status.message
    assert next(other).WhichOneof("part") == "report"
    # For health calls too.
    for call in (
        lambda: alarms(host, denied),
        lambda: alarm_health(host, denied),
    ):
        with pytest.raises(grpc.RpcError) as raised:
            call()
        assert status_of(raised.value).details["certificate"] == "revoked"
    refused = host.wait_for_records("Check", 1)[-1]
    assert (refused["event"], refused["principal"]) == ("refused", ADMIN)
    other.cancel()


@pytest.fixture
def crl(authority: CertificateAuthority, tmp_path: Path) -> Path:
    path = tmp_path / "ca.crl"
    path.write_bytes(authority.revocation_list())
    return path


def test_a_revocation_list(
    start_host: StartHost, authority: CertificateAuthority, admin: Identity, crl: Path
) -> None:
    host = start_host(revocation={"crl": str(crl)})
    revoked = authority.issue("revoked", uri(ADMIN))
    stream, other = watch(host, revoked), watch(host, admin)
    replace(crl, authority.revocation_list(revoked.serial))
    status = why_it_ended(stream)
    assert status.message.startswith(
        f"The certificate with the serial number {revoked.serial:x} was revoked."
    )
    with pytest.raises(grpc.RpcError):
        alarms(host, revoked)

    # Neither junk nor another authority's list restores access.
    stranger = CertificateAuthority(crl.parent / "stranger")
    for data, words in (
        (b"junk", "it must hold certificate revocation lists"),
        (stranger.revocation_list(), "that no authority of tls.client_ca has signed"),
    ):
        replace(crl, data)
        eventually(lambda words=words: words in alarms(host, admin).get("revocation", ""))
        with pytest.raises(grpc.RpcError):
            alarms(host, revoked)
    assert next(other).WhichOneof("part") == "report"

    # A list past its date for replacement still counts, and raises an alarm.
    replace(crl, authority.revocation_list(revoked.serial, due=-datetime.timedelta(hours=1)))
    eventually(lambda: set(alarms(host, admin)) == {"stale_revocation_list"})
    with pytest.raises(grpc.RpcError):
        alarms(host, revoked)
    replace(crl, authority.revocation_list())
    eventually(lambda: not alarms(host, admin))
    assert alarms(host, revoked) == {}
    other.cancel()


def test_a_revoked_caller_keeps_no_session(
    start_host: StartHost, authority: CertificateAuthority, admin: Identity, crl: Path
) -> None:
    host = start_host(revocation={"crl": str(crl)}, evaluation={"enabled": True})
    revoked = authority.issue("revoked", uri(ADMIN))
    asked = [
        repl_pb2.OpenReplRequest(open={}),
        repl_pb2.OpenReplRequest(input={"source": "while True: pass"}),
    ]
    over = threading.Event()

    def requests() -> Iterator[repl_pb2.OpenReplRequest]:
        yield from asked
        over.wait(120)

    stream = host.stub(revoked).OpenRepl(requests(), timeout=120)
    session_id = next(stream).header.session_id

    def running() -> list[process_pb2.RunningEvaluation]:
        reply = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
        return list(reply.running_evaluations)

    eventually(lambda: len(running()) == 1)
    replace(crl, authority.revocation_list(revoked.serial))
    assert "was revoked" in why_it_ended(stream).message
    over.set()
    eventually(lambda: running() == [])
    # The same principal, with a certificate that counts.
    again = repl_pb2.OpenReplRequest(open={"session_id": session_id})
    status = why_it_ended(host.stub(admin).OpenRepl(iter([again]), timeout=120))
    assert status.code is grpc.StatusCode.NOT_FOUND


def test_a_list_that_others_may_write_is_not_taken(
    start_host: StartHost, authority: CertificateAuthority, admin: Identity, crl: Path
) -> None:
    host = start_host(revocation={"crl": str(crl)})
    replace(crl, authority.revocation_list(admin.serial))
    crl.chmod(0o666)
    eventually(lambda: "written by everyone" in alarms(host, admin).get("revocation", ""))


def test_revocation_lists_that_are_refused(
    start_host: StartHost, authority: CertificateAuthority, crl: Path
) -> None:
    host = start_host(serve=False, revocation={"crl": str(crl)})
    crl.chmod(0o666)
    with pytest.raises(HostError, match=r"ops.toml:\d+: revocation.crl: .* written by everyone"):
        host.start_service()
    crl.chmod(0o600)
    host.run("import sys; sys.modules['cryptography'] = None")
    with pytest.raises(HostError, match=r"pip install 'ops-service\[revocation\]'"):
        host.start_service()
    host.run("del sys.modules['cryptography']")
    crl.unlink()
    with pytest.raises(HostError, match=r"revocation.crl: .* cannot be read"):
        host.start_service()
    crl.write_bytes(authority.revocation_list())
    host.start_service()
    host.assert_printed_nothing()
