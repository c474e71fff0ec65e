"""Who gets in, which identity the server gives them, and what they may do."""

from __future__ import annotations

import datetime
from pathlib import Path

import grpc
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, dns, email, ip, uri
from fix_host import ADMIN, TRUST_DOMAIN, VIEWER, Host, StartHost
from fix_status import status_of
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from ops_service.v1 import heap_graph_pb2, heap_pb2, maintenance_service_pb2, process_pb2

SERVICE = maintenance_service_pb2.DESCRIPTOR.services_by_name["MaintenanceService"]
METHODS = [method.name for method in SERVICE.methods]


def get_process(host: Host, identity: Identity) -> process_pb2.GetProcessResponse:
    return host.stub(identity).GetProcess(process_pb2.GetProcessRequest(), timeout=120)


def call_by_name(host: Host, identity: Identity, method: str) -> None:
    """Call a method by name with an empty request, which is zero bytes. Read one reply."""
    call = host.channel(identity).unary_stream(f"/{SERVICE.full_name}/{method}")
    next(call(b"", timeout=120), None)


# ---- the handshake -----------------------------------------------------------------


def assert_no_handshake(host: Host, credentials: grpc.ChannelCredentials | None) -> None:
    before = len(host.audit_records())
    channel = (
        grpc.insecure_channel(host.address)
        if credentials is None
        else grpc.secure_channel(host.address, credentials)
    )
    with channel:
        stub = channel.unary_unary(f"/{SERVICE.full_name}/GetPrincipal")
        with pytest.raises(grpc.RpcError) as raised:
            stub(b"", timeout=120)
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
    assert len(host.audit_records()) == before
    host.assert_alive()


def test_plaintext(host: Host) -> None:
    assert_no_handshake(host, None)


def test_no_certificate(host: Host, authority: CertificateAuthority) -> None:
    assert_no_handshake(host, grpc.ssl_channel_credentials(authority.certificate.read_bytes()))


def test_certificate_of_another_authority(
    host: Host, authority: CertificateAuthority, tmp_path: Path
) -> None:
    stranger = CertificateAuthority(tmp_path).issue("admin", uri(ADMIN))
    credentials = grpc.ssl_channel_credentials(
        authority.certificate.read_bytes(),
        stranger.private_key.read_bytes(),
        stranger.certificate.read_bytes(),
    )
    assert_no_handshake(host, credentials)


def test_expired_certificate(host: Host, authority: CertificateAuthority) -> None:
    expired = authority.issue("expired", uri(ADMIN), not_after=datetime.timedelta(hours=-1))
    assert_no_handshake(host, expired.channel_credentials())


def test_certificate_that_is_not_valid_yet(host: Host, authority: CertificateAuthority) -> None:
    early = authority.issue("early", uri(ADMIN), not_before=datetime.timedelta(hours=1))
    assert_no_handshake(host, early.channel_credentials())


def test_certificate_for_servers_alone(host: Host, authority: CertificateAuthority) -> None:
    server = authority.issue("only-server", uri(ADMIN), usages=[ExtendedKeyUsageOID.SERVER_AUTH])
    assert_no_handshake(host, server.channel_credentials())


# ---- names that do not count -------------------------------------------------------

UNUSABLE = {
    "email": ([email(ADMIN)], None, "common names and e-mail names do not count"),
    "common name": ([], ADMIN, "common names and e-mail names do not count"),
    "ip": ([ip("127.0.0.1")], ADMIN, "common names and e-mail names do not count"),
    "two uris": ([uri(ADMIN), uri(VIEWER)], None, "more than one URI name"),
    "spiffe and uri": ([uri(ADMIN), uri("https://x.example")], None, "more than one URI name"),
    "trust domain": ([uri("spiffe://other.example/admin")], None, "other.example"),
    "two dns": ([dns("tool.test.example"), dns("b.test.example")], None, "more than one DNS"),
    "malformed": ([uri("spiffe://test.example:1/admin")], None, "not "),
    "upper case": ([uri("SPIFFE://test.example/admin")], None, "not well-formed"),
    "query": ([uri(f"{ADMIN}?a=b")], None, "not well-formed"),
    "fragment": ([uri(f"{ADMIN}#a")], None, "not well-formed"),
    "dots": ([uri(f"spiffe://{TRUST_DOMAIN}/other/../admin")], None, "not well-formed"),
    "slash": ([uri(f"{ADMIN}/")], None, "not well-formed"),
    "line end": ([uri(f"{ADMIN}\n")], None, "not well-formed"),
    "uri cut": ([uri(f"{ADMIN}\0.example")], None, "contains a NUL"),
    "dns cut": ([dns("tool.test.example\0.example")], None, "contains a NUL"),
    "email beside": ([email(ADMIN), uri("spiffe://x.example/a")], None, "x.example"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_names_that_do_not_count(host: Host, authority: CertificateAuthority, kind: str) -> None:
    names, common_name, problem = UNUSABLE[kind]
    identity = authority.issue("unusable", *names, common_name=common_name)

    reply = host.stub(identity).GetPrincipal(process_pb2.GetPrincipalRequest(), timeout=120)
    assert reply.principal == ""
    assert problem in reply.principal_problem
    assert len(reply.presented_names) == len(names)
    assert len(reply.capabilities) == 1

    with pytest.raises(grpc.RpcError) as raised:
        get_process(host, identity)
    status = status_of(raised.value)
    assert (status.code, status.reason) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "PERMISSION_DENIED",
    )
    assert status.message.startswith("GetProcess needs the capability INSPECT. The server saw no")
    assert problem.lower() in status.message.lower()
    assert status.details["principal"] == ""


@pytest.mark.parametrize(
    ("names", "principal"),
    [
        ([dns("tool.test.example")], "dns:tool.test.example"),
        ([dns("TOOL.Test.Example")], "dns:tool.test.example"),
        ([uri("https://test.example/tool")], "uri:https://test.example/tool"),
        ([uri(VIEWER), dns("a.test.example"), dns("b.test.example")], VIEWER),
        ([uri(VIEWER), email("a@test.example")], VIEWER),
    ],
)
def test_names_that_count(
    host: Host, authority: CertificateAuthority, names: list[object], principal: str
) -> None:
    identity = authority.issue("usable", *names)
    reply = host.stub(identity).GetPrincipal(process_pb2.GetPrincipalRequest(), timeout=120)
    assert (reply.principal, reply.principal_problem) == (principal, "")
    assert get_process(host, identity).process.instance_id == host.instance_id


# ---- capabilities ------------------------------------------------------------------


@pytest.fixture(scope="module")
def stranger(authority: CertificateAuthority) -> Identity:
    """A caller whose name is accepted but has no grant."""
    return authority.issue("stranger", uri("spiffe://test.example/stranger"))


@pytest.mark.parametrize("method", METHODS)
def test_no_grant_no_access(host: Host, stranger: Identity, method: str) -> None:
    if method == "GetPrincipal":
        call_by_name(host, stranger, method)
        return
    with pytest.raises(grpc.RpcError) as raised:
        call_by_name(host, stranger, method)
    status = status_of(raised.value)
    assert status.code == grpc.StatusCode.PERMISSION_DENIED
    assert "The server saw spiffe://test.example/stranger, which has no grant." in status.message
    assert status.details["principal"] == "spiffe://test.example/stranger"


@pytest.mark.parametrize("method", METHODS)
def test_a_capability_implies_no_other(host: Host, viewer: Identity, method: str) -> None:
    needed = {
        "CaptureHeapSnapshot": "READ_HEAP",
        "EvaluateCode": "EVALUATE",
        "FindReferrers": "READ_HEAP",
        "InvokeOperation": "OPERATE",
        "OpenRepl": "EVALUATE",
        "ListSnapshots": "READ_HEAP",
        "ReadSnapshot": "READ_HEAP",
        "ReclaimMemory": "OPERATE",
        "SetLogLevel": "OPERATE",
        "TraceAllocations": "OPERATE",
    }.get(method)
    if method == "ReadGrowthHistory":
        # The call is allowed, and the answer is that this host runs no watch.
        with pytest.raises(grpc.RpcError) as raised:
            call_by_name(host, viewer, method)
        assert status_of(raised.value).reason == "WATCH_DISABLED"
        return
    if needed is None:
        call_by_name(host, viewer, method)
        return
    with pytest.raises(grpc.RpcError) as raised:
        call_by_name(host, viewer, method)
    status = status_of(raised.value)
    assert status.message == (
        f"{method} needs the capability {needed}. "
        f"The server saw {VIEWER}, which has no grant of {needed}."
    )
    assert status.details["missing_capability"] == needed


def test_collecting_first_needs_operate(
    start_host: StartHost, authority: CertificateAuthority
) -> None:
    reader_name = "spiffe://test.example/reader"
    reader = authority.issue("reader", uri(reader_name))
    host = start_host(grants=[{"principal": reader_name, "capabilities": ["READ_HEAP"]}])
    request = heap_pb2.CaptureHeapSnapshotRequest(gc_moment=heap_graph_pb2.GC_MOMENT_COLLECT_FIRST)
    with pytest.raises(grpc.RpcError) as raised:
        list(host.stub(reader).CaptureHeapSnapshot(request, timeout=120))
    status = status_of(raised.value)
    assert status.code == grpc.StatusCode.PERMISSION_DENIED
    assert status.details["missing_capability"] == "OPERATE"

    request.gc_moment = heap_graph_pb2.GC_MOMENT_NOW
    parts = list(host.stub(reader).CaptureHeapSnapshot(request, timeout=120))
    assert parts[-1].WhichOneof("part") == "trailer"


# ---- methods that are not ours -----------------------------------------------------


def test_health_is_for_every_authenticated_peer(host: Host, stranger: Identity) -> None:
    stub = HealthStub(host.channel(stranger))
    for service in ("", SERVICE.full_name):
        reply = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=120)
        assert reply.status == health_pb2.HealthCheckResponse.SERVING
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE.full_name), timeout=120)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()


def test_health_of_an_unknown_service(host: Host, stranger: Identity) -> None:
    stub = HealthStub(host.channel(stranger))
    with pytest.raises(grpc.RpcError) as raised:
        stub.Check(health_pb2.HealthCheckRequest(service="no.such.Service"), timeout=120)
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND


def list_services(host: Host, identity: Identity) -> list[str]:
    stub = ServerReflectionStub(host.channel(identity))
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (reply,) = stub.ServerReflectionInfo(iter([request]), timeout=120)
    return sorted(service.name for service in reply.list_services_response.service)


def test_reflection_needs_inspect(host: Host, viewer: Identity, stranger: Identity) -> None:
    assert list_services(host, viewer) == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        SERVICE.full_name,
    ]
    with pytest.raises(grpc.RpcError) as raised:
        list_services(host, stranger)
    assert status_of(raised.value).details["missing_capability"] == "INSPECT"


# ---- the audit ---------------------------------------------------------------------


def test_every_call_is_on_record(
    start_host: StartHost, viewer: Identity, stranger: Identity
) -> None:
    host = start_host()
    get_process(host, viewer)
    with pytest.raises(grpc.RpcError):
        get_process(host, stranger)
    HealthStub(host.channel(viewer)).Check(health_pb2.HealthCheckRequest(), timeout=120)
    with pytest.raises(grpc.RpcError):
        host.channel(viewer).unary_unary("/no.such.Service/Method")(b"", timeout=120)

    begin, end, refused = host.wait_for_records("GetProcess", 3)
    assert (begin["event"], begin["principal"], begin["request"]) == ("begin", VIEWER, {})
    assert (end["event"], end["code"], end["messages"]) == ("end", "OK", 1)
    assert begin["call_id"] == end["call_id"] != refused["call_id"]
    assert begin["instance_id"] == host.instance_id
    assert refused["event"] == "refused"
    assert refused["code"] == refused["reason"] == "PERMISSION_DENIED"
    assert refused["principal"] == "spiffe://test.example/stranger"
    assert refused["peer"].startswith("ipv4:127.0.0.1:")
    assert [r["event"] for r in host.wait_for_records("Check", 2)] == ["begin", "end"]
    # Calls of unknown methods are accepted without a check of their names.
    unknown = eventually(
        lambda: [r for r in host.audit_records() if r.get("code") == "UNIMPLEMENTED"]
    )
    assert unknown[0]["event"] == "refused"
    assert unknown[0]["method"] in ("(unknown)", "/no.such.Service/Method")
    assert host.audit_file.stat().st_mode & 0o777 == 0o600
