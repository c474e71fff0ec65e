"""Identity from a proxy's header: what the header may say, and who may send it.

The calls here come directly over the socket, as from a proxy. `tests/mesh` has a
real proxy.
"""

from __future__ import annotations

import datetime
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from fix_certs import CertificateAuthority, Identity, uri
from fix_host import ADMIN, ALL, TRUST_DOMAIN, VIEWER, Host, HostError, StartHost
from fix_status import status_of
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from ops_service.v1 import evaluation_pb2, growth_pb2, process_pb2
from ops_service.v1.maintenance_service_pb2_grpc import MaintenanceServiceStub

HEADER = "x-forwarded-client-cert"
PROXY = f"spiffe://{TRUST_DOMAIN}/proxy"
OTHER = f"spiffe://{TRUST_DOMAIN}/other"
STRANGER = f"spiffe://{TRUST_DOMAIN}/stranger"
HASH = "ab" * 32
BY = f"By={PROXY};Hash={HASH}"


def mesh(directory: Path, **changes: object) -> dict[str, object]:
    """The settings of a port in a mesh that differ from other ports."""
    return {
        "tls": None,
        "server": {"address": f"unix:{directory}/ops/ops.sock"},
        "mesh": {"enabled": True, "proxies": [PROXY]},
        "grants": [
            {"principal": ADMIN, "capabilities": ALL},
            {"principal": VIEWER, "capabilities": ["INSPECT"]},
            {"principal": "dns:tool.test.example", "capabilities": ["INSPECT"]},
        ],
        **changes,
    }


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost, tmp_path_factory: pytest.TempPathFactory) -> Host:
    return start_shared_host(**mesh(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def stub(host: Host) -> Iterator[MaintenanceServiceStub]:
    with grpc.insecure_channel(host.address) as channel:
        yield MaintenanceServiceStub(channel)


def said(*headers: str) -> list[tuple[str, str]]:
    return [(HEADER, each) for each in headers]


def principal(stub: MaintenanceServiceStub, header: str) -> tuple[str, str]:
    """The caller's principal, and why there is none."""
    request = process_pb2.GetPrincipalRequest()
    reply = stub.GetPrincipal(request, metadata=said(header), timeout=120)
    return reply.principal, reply.principal_problem


NAMES = {
    f"{BY};URI={ADMIN}": ADMIN,
    f"{BY};URI={VIEWER};DNS=a.test.example;DNS=b.test.example": VIEWER,
    f'{BY};Subject="CN=a, \\"b\\"; URI={ADMIN}";URI={VIEWER}': VIEWER,
    f'{BY};Subject="";URI="{VIEWER}"': VIEWER,
    f"{BY};URI=;DNS=Tool.test.example": "dns:tool.test.example",
    f"{BY};URI=https://test.example/tool?a=b": "uri:https://test.example/tool?a=b",
    f"by={PROXY};hash={HASH};uri={VIEWER}": VIEWER,
    # Earlier elements are not from the proxy, whatever name they carry.
    f"{BY};URI={ADMIN},{BY};URI={VIEWER}": VIEWER,
    f"By={OTHER};Hash={HASH};URI={ADMIN},{BY};URI={VIEWER}": VIEWER,
    f'{BY};Subject="a,{BY};URI={ADMIN}";URI={VIEWER}': VIEWER,
}


@pytest.mark.parametrize("header", NAMES)
def test_names_that_count(stub: MaintenanceServiceStub, header: str) -> None:
    assert principal(stub, header) == (NAMES[header], "")


NO_NAMES = {
    f"{BY}": "neither a URI nor a DNS name",
    f"{BY};URI=": "neither a URI nor a DNS name",
    f'{BY};Subject="CN={ADMIN}"': "neither a URI nor a DNS name",
    f"{BY};URI={ADMIN},{BY}": "neither a URI nor a DNS name",
    f"{BY};URI={ADMIN};URI={VIEWER}": "more than one URI name",
    f"{BY};URI={ADMIN};URI={ADMIN}": "more than one URI name",
    f"{BY};DNS=tool.test.example;DNS=b.test.example": "more than one DNS name",
    f"{BY};URI=spiffe://other.example/admin": "other.example",
    f"{BY};URI=spiffe://{TRUST_DOMAIN}": "not well-formed",
    f"{BY};URI=SPIFFE://{TRUST_DOMAIN}/admin": "not well-formed",
    f"{BY};URI={ADMIN}/": "not well-formed",
    f"{BY};URI={ADMIN}/../viewer": "not well-formed",
    f"{BY};URI={ADMIN}%2f": "not well-formed",
    f"{BY};URI=spiffe://{TRUST_DOMAIN}:1/admin": "not well-formed",
    f"{BY};URI=spiffe://{TRUST_DOMAIN}/{'a' * 2048}": "not well-formed",
}


@pytest.mark.parametrize("header", NO_NAMES)
def test_names_that_do_not_count(stub: MaintenanceServiceStub, header: str) -> None:
    name, problem = principal(stub, header)
    assert name == ""
    assert NO_NAMES[header] in problem


def refusal(stub: MaintenanceServiceStub, *headers: str) -> str:
    """The message that refuses a call with these headers, before the caller is identified."""
    with pytest.raises(grpc.RpcError) as raised:
        stub.GetPrincipal(process_pb2.GetPrincipalRequest(), metadata=said(*headers), timeout=120)
    status = status_of(raised.value)
    assert status.code == grpc.StatusCode.UNAUTHENTICATED
    return status.message


UNREADABLE = [
    "",
    ADMIN,
    f"{BY};URI",
    f"{BY};URI={ADMIN};",
    f"{BY};URI={ADMIN},",
    f"{BY},,{BY};URI={ADMIN}",
    f"{BY}; URI={ADMIN}",
    f'{BY};URI="{ADMIN}',
    f'{BY};URI={ADMIN}"',
    f'{BY};URI="{ADMIN}"x',
    f"{BY};URI=a\\{ADMIN}",
    f"{BY};={ADMIN}",
    # The caller opens a quotation in front of the proxy's own words.
    f'Subject=",{BY};URI={VIEWER}',
    f'Subject=",{BY};Subject="CN=a";URI={VIEWER}',
    # A certificate has this field once, and here it appears twice.
    f"{BY};Hash={HASH};URI={ADMIN}",
    f"{BY};Cert=a;Cert=b;URI={ADMIN}",
]


@pytest.mark.parametrize("header", UNREADABLE)
def test_headers_that_can_be_read_in_two_ways(stub: MaintenanceServiceStub, header: str) -> None:
    assert f"The header {HEADER} cannot be read" in refusal(stub, header)


def test_a_header_that_no_proxy_of_ours_wrote(stub: MaintenanceServiceStub) -> None:
    not_listed = "which is not listed in mesh.proxies"
    assert not_listed in refusal(stub, f"By={OTHER};Hash={HASH};URI={ADMIN}")
    assert not_listed in refusal(stub, f"By={PROXY}/;Hash={HASH};URI={ADMIN}")
    assert not_listed in refusal(stub, f"By={PROXY};By={OTHER};Hash={HASH};URI={ADMIN}")
    assert not_listed in refusal(stub, f"Hash={HASH};URI={ADMIN}")
    assert not_listed in refusal(stub, f"By=;Hash={HASH};URI={ADMIN}")
    # The last element counts, whatever came before.
    assert not_listed in refusal(stub, f"{BY};URI={ADMIN},By={OTHER};Hash={HASH};URI={ADMIN}")
    assert "saw no client certificate" in refusal(stub, f"By={PROXY};URI={ADMIN}")


def test_no_header_and_two(host: Host, stub: MaintenanceServiceStub) -> None:
    assert f"has no {HEADER} header; call through the proxy" in refusal(stub)
    assert "has 2 " in refusal(stub, f"{BY};URI={VIEWER}", f"{BY};URI={ADMIN}")
    # Health checks are calls as well.
    with grpc.insecure_channel(host.address) as channel, pytest.raises(grpc.RpcError) as raised:
        HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=120)
    assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_a_header_over_the_limit(stub: MaintenanceServiceStub) -> None:
    for size in (9 << 10, 100 << 10, 2 << 20):
        header = f'Subject="{"a" * size}",{BY};URI={ADMIN}'
        with pytest.raises(grpc.RpcError) as raised:
            stub.GetPrincipal(process_pb2.GetPrincipalRequest(), metadata=said(header), timeout=120)
        assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert principal(stub, f"{BY};URI={VIEWER}") == (VIEWER, "")


def test_grants_hold_and_the_record_names_who_vouched(
    host: Host, stub: MaintenanceServiceStub
) -> None:
    request = evaluation_pb2.EvaluateCodeRequest(source="1 + 1")
    for name in (VIEWER, STRANGER):
        with pytest.raises(grpc.RpcError) as raised:
            list(stub.EvaluateCode(request, metadata=said(f"{BY};URI={name}"), timeout=120))
        status = status_of(raised.value)
        assert status.code == grpc.StatusCode.PERMISSION_DENIED
        assert status.details["principal"] == name
    forged = f"{BY};URI={ADMIN},{BY};URI={VIEWER}"
    with pytest.raises(grpc.RpcError):
        list(stub.EvaluateCode(request, metadata=said(forged), timeout=120))
    assert list(stub.EvaluateCode(request, metadata=said(f"{BY};URI={ADMIN}"), timeout=120))

    records = host.wait_for_records("EvaluateCode", 5)
    assert [r["event"] for r in records] == ["refused", "refused", "refused", "begin", "end"]
    assert [r["principal"] for r in records] == [VIEWER, STRANGER, VIEWER, ADMIN, ADMIN]
    assert {tuple(r["proxy"]) for r in records} == {(PROXY,)}


def test_denied_serial_numbers(
    start_host: StartHost, authority: CertificateAuthority, tmp_path: Path
) -> None:

    denied, other = (authority.issue(name, uri(ADMIN)) for name in ("denied", "other"))
    host = start_host(**mesh(tmp_path, revocation={"denied_serials": [f"{denied.serial:x}"]}))

    def header(identity: Identity) -> str:
        text = urllib.parse.quote(identity.certificate.read_text(), safe="")
        return f'{BY};Cert="{text}";URI={ADMIN}'

    with grpc.insecure_channel(host.address) as channel:
        stub = MaintenanceServiceStub(channel)
        assert principal(stub, header(other)) == (ADMIN, "")
        for said_so, words in (
            (header(denied), "is denied here"),
            # Without the certificate its serial number is unknown, so every caller is refused.
            (f"{BY};URI={ADMIN}", "does not pass on the certificate"),
        ):
            with pytest.raises(grpc.RpcError) as raised:
                principal(stub, said_so)
            assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
            assert words in status_of(raised.value).message


def quoted(*identities: Identity) -> str:
    """Certificates in the encoding that a proxy uses."""
    text = "".join(each.certificate.read_text() for each in identities)
    return urllib.parse.quote(text, safe="")


def test_certificates_that_are_out_of_date(
    stub: MaintenanceServiceStub, authority: CertificateAuthority
) -> None:
    hour = datetime.timedelta(hours=1)
    good = authority.issue("good", uri(VIEWER))
    expired = authority.issue("expired", uri(VIEWER), not_after=-hour)
    early = authority.issue("early", uri(VIEWER), not_before=hour)
    name = f"URI={VIEWER}"
    assert principal(stub, f'{BY};Cert="{quoted(good)}";{name}') == (VIEWER, "")
    chain = quoted(good, good)
    assert principal(stub, f'{BY};Cert="{quoted(good)}";Chain="{chain}";{name}') == (VIEWER, "")
    for said_so, words in (
        (f'Cert="{quoted(expired)}"', "The certificate expired at "),
        (f'Cert="{quoted(early)}"', "The certificate is not valid before "),
        # If the proxy does not distinguish them, all must be valid.
        (f'Chain="{quoted(good, expired)}"', "expired at "),
        ("Cert=%00junk", "cannot be read"),
        (f'Cert="{quoted(good)}";Chain=junk', "cannot be read"),
    ):
        assert words in refusal(stub, f"{BY};{said_so};{name}")


def test_a_stream_ends_with_the_certificate_that_the_proxy_has_seen(
    stub: MaintenanceServiceStub, authority: CertificateAuthority
) -> None:
    short = authority.issue("short", uri(ADMIN), not_after=datetime.timedelta(seconds=4))
    request = growth_pb2.WatchHeapGrowthRequest(interval={"nanos": 100_000_000})
    header = f'{BY};Cert="{quoted(short)}";URI={ADMIN}'
    stream = stub.WatchHeapGrowth(request, metadata=said(header), timeout=120)
    assert next(stream).WhichOneof("part") == "header"
    with pytest.raises(grpc.RpcError) as raised:
        for _ in stream:
            pass
    assert status_of(raised.value).reason == "CERTIFICATE_OUT_OF_DATE"


def test_a_port_with_tls_takes_no_word_for_it(
    start_host: StartHost, viewer: Identity, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    for server in ({}, {"address": f"unix:{tmp_path}/run/ops.sock"}):
        host = start_host(server=server)
        name = [("grpc.ssl_target_name_override", "localhost")]
        stub = MaintenanceServiceStub(host.channel(viewer, name))
        assert principal(stub, f"{BY};URI={ADMIN}") == (VIEWER, "")
        with grpc.insecure_channel(host.address) as channel, pytest.raises(grpc.RpcError) as raised:
            principal(MaintenanceServiceStub(channel), f"{BY};URI={ADMIN}")
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE


def test_the_socket_and_its_directory_are_the_users_alone(host: Host, tmp_path: Path) -> None:
    host.run("import ops_service")
    socket = Path(host.address.removeprefix("unix:"))
    assert socket.stat().st_mode & 0o777 == 0o600
    assert socket.parent.stat().st_mode & 0o777 == 0o700

    for mode in (0o750, 0o705, 0o711, 0o777):
        directory = tmp_path / f"{mode:o}"
        directory.mkdir()
        directory.chmod(mode)
        file = tmp_path / "ops.toml"
        text = (host.directory / "ops.toml").read_text()
        file.write_text(text.replace(str(socket), f"{directory}/ops.sock"))
        with pytest.raises(HostError, match=r"StartError: The directory .* 0?700"):
            host.run(f"ops_service.start(ops_service.load_config({str(file)!r}))")
        assert list(directory.iterdir()) == []


def test_a_tcp_port_is_refused_with_the_remedy(start_host: StartHost, tmp_path: Path) -> None:
    host = start_host(serve=False, **mesh(tmp_path, server={"address": "127.0.0.1:0"}))
    # With the line number of the key, as everywhere.
    words = r"ops\.toml:\d+: server\.address .* let the proxy connect to a Unix socket"
    with pytest.raises(HostError, match=words):
        host.start_service()
