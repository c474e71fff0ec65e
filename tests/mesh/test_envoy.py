"""The recipes of `examples/mesh` with a real Envoy: streams through it, and who gets in."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, dns, email, uri
from fix_client import credentials_of
from fix_mesh import APPENDING, OPERATOR, SERVER, Front, Fronted
from fix_opsctl import Opsctl, environment_of
from fix_status import status_of

from ops_client import MaintenanceClient
from ops_client.cli.exit_codes import ExitCode
from ops_client.errors import OpsClientError
from ops_service.v1 import process_pb2
from ops_service.v1.maintenance_service_pb2_grpc import MaintenanceServiceStub

RECIPES = ("passthrough", "identity")
HEADER = "x-forwarded-client-cert"
STRANGER = "spiffe://ops.local/stranger"
FORGED = [(HEADER, f"By={SERVER};Hash={'ab' * 32};URI={OPERATOR}")]


@pytest.fixture(scope="module", params=RECIPES)
def fronted(request: pytest.FixtureRequest, front: Front) -> Fronted:
    recipe: str = request.param
    return front(recipe)


@pytest.fixture(scope="module")
def identity(front: Front) -> Fronted:
    return front("identity")


def whoami(
    fronted: Fronted, identity: Identity, metadata: list[tuple[str, str]] | None = None
) -> process_pb2.GetPrincipalResponse:
    with fronted.channel(identity) as channel:
        return MaintenanceServiceStub(channel).GetPrincipal(
            process_pb2.GetPrincipalRequest(), metadata=metadata, timeout=120
        )


# ---- streams -----------------------------------------------------------------------


def test_a_snapshot_comes_whole(fronted: Fronted, operator: Identity, tmp_path: Path) -> None:
    fronted.host.run("rows = [{'n': n} for n in range(100_000)]")
    with MaintenanceClient(fronted.address, credentials_of(operator)) as client:
        captured = client.capture_heap_snapshot(tmp_path / "shop.heap")
    assert captured.trailer.object_count > 100_000
    assert (tmp_path / "shop.heap").stat().st_size > 1 << 20


def test_a_prompt_answers_line_by_line(fronted: Fronted, operator: Identity) -> None:
    # Each answer arrives before the next line is sent: nothing on the way waits for the
    # end of the stream.
    with (
        MaintenanceClient(fronted.address, credentials_of(operator)) as client,
        client.open_repl() as session,
    ):
        for number in range(5):
            assert session.evaluate(f"{number} * 2").value_repr == str(number * 2)


def test_output_comes_while_the_code_runs(fronted: Fronted, operator: Identity) -> None:
    # The code goes on only once its caller has read its output.
    fronted.host.run("import threading\nread = threading.Event()")
    with (
        MaintenanceClient(fronted.address, credentials_of(operator)) as client,
        client.open_repl() as session,
        MaintenanceClient(fronted.address, credentials_of(operator)) as other,
    ):

        def hear(piece: object) -> None:
            other.evaluate_code("read.set()")

        result = session.evaluate("print('first', flush=True); read.wait(60)", on_output=hear)
    assert result.value_repr == "True"


def test_the_routes_timeout_cuts_streams_unless_it_is_zero(
    front: Front, operator: Identity, tmp_path: Path
) -> None:
    short = front("identity", {"timeout: 0s\n": "timeout: 0.5s\n"})
    assert "timeout: 0.5s" in (short.directory / "envoy.yaml").read_text()
    with MaintenanceClient(short.address, credentials_of(operator)) as client:
        assert client.get_principal().principal == OPERATOR
        with pytest.raises(OpsClientError):
            list(client.watch_heap_growth(interval=0.2, duration=60))


# ---- who gets in -------------------------------------------------------------------


def test_callers_are_who_their_certificates_say(fronted: Fronted, operator: Identity) -> None:
    stranger = fronted.authority.issue("stranger", uri(STRANGER))
    assert whoami(fronted, operator).principal == OPERATOR
    assert whoami(fronted, stranger).principal == STRANGER
    # A header from the caller changes nothing.
    assert whoami(fronted, stranger, FORGED).principal == STRANGER
    assert whoami(fronted, stranger, FORGED * 2).principal == STRANGER
    with (
        pytest.raises(grpc.RpcError) as raised,
        fronted.channel(stranger) as channel,
    ):
        MaintenanceServiceStub(channel).GetProcess(
            process_pb2.GetProcessRequest(), metadata=FORGED, timeout=120
        )
    assert status_of(raised.value).details["principal"] == STRANGER


def test_opsctl_by_the_name_in_the_certificate(
    fronted: Fronted, operator: Identity, opsctl: Opsctl
) -> None:
    # As with a port-forward, where the target's host is not the certificate's name.
    target = fronted.address.replace("127.0.0.1", "localhost")
    env = environment_of(target, operator)
    assert opsctl("whoami", env=env).returncode == ExitCode.TLS_FAILED
    done = opsctl("whoami", "--server-name", "shop.ops.local", env=env)
    assert (done.returncode, OPERATOR in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("kind", ["none", "foreign"])
def test_no_handshake_without_a_certificate_of_the_authority(
    fronted: Fronted, authority: CertificateAuthority, tmp_path: Path, kind: str
) -> None:
    ca = authority.certificate.read_bytes()
    if kind == "none":
        credentials = grpc.ssl_channel_credentials(ca)
    else:
        other = CertificateAuthority(tmp_path).issue("operator", uri(OPERATOR))
        credentials = grpc.ssl_channel_credentials(
            ca, other.private_key.read_bytes(), other.certificate.read_bytes()
        )
    with (
        pytest.raises(grpc.RpcError) as raised,
        grpc.secure_channel(fronted.address, credentials) as channel,
    ):
        MaintenanceServiceStub(channel).GetPrincipal(process_pb2.GetPrincipalRequest(), timeout=120)
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE


NAMES = {
    "e-mail": [email(OPERATOR), uri(STRANGER)],
    "two": [uri(STRANGER), uri(OPERATOR)],
    "semicolon": [uri(f"{STRANGER};URI={OPERATOR}")],
    "semicolon and by": [uri(f"{STRANGER};By={SERVER};DNS=tool.test.example")],
    "comma": [uri(f"{STRANGER},By={SERVER};Hash=ab;URI={OPERATOR}")],
    "comma beside": [uri(STRANGER), uri(f"x:b,By={SERVER};Hash=ab;URI={OPERATOR}")],
    "quote": [uri(f'{STRANGER}"')],
    "dns": [uri(STRANGER), dns(f"b,By={SERVER};Hash=ab;URI={OPERATOR}")],
    "dns alone": [dns(f"b;URI={OPERATOR}")],
}
# The caller's identity, or the status: Envoy itself answers UNIMPLEMENTED.
EXPECTED: dict[str, tuple[str, grpc.StatusCode | None]] = {
    "e-mail": (STRANGER, None),
    "two": ("", None),
    "semicolon": ("", None),
    "semicolon and by": (STRANGER, None),
    "comma": ("", grpc.StatusCode.UNIMPLEMENTED),
    "comma beside": ("", grpc.StatusCode.UNIMPLEMENTED),
    "quote": ("", grpc.StatusCode.UNAUTHENTICATED),
    "dns": (STRANGER, None),
    "dns alone": ("", None),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_that_would_read_as_others(
    identity: Fronted, authority: CertificateAuthority, kind: str
) -> None:
    caller = authority.issue("odd", *NAMES[kind])
    name, code = EXPECTED[kind]
    if code is None:
        assert whoami(identity, caller).principal == name
        return
    with pytest.raises(grpc.RpcError) as raised:
        whoami(identity, caller)
    assert raised.value.code() == code


def test_a_proxy_that_appends_to_a_forged_header(
    front: Front, authority: CertificateAuthority
) -> None:
    """Fault 13: Istio's sidecars append to it. Only the last element counts."""
    appending = front("identity", APPENDING)
    stranger = authority.issue("stranger", uri(STRANGER))
    assert whoami(appending, stranger, FORGED).principal == STRANGER
    # Quotations that the caller opens in front of the proxy's words.
    for forged in ('Subject="', f'By={SERVER};Hash=ab;URI={OPERATOR};Subject="'):
        with pytest.raises(grpc.RpcError) as raised:
            whoami(appending, stranger, [(HEADER, forged)])
        assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_a_proxy_that_hands_on_what_the_caller_wrote(
    front: Front, authority: CertificateAuthority
) -> None:
    """Not promised: the port believes a proxy that lies, so its configuration matters."""
    forwarding = front("identity", {"SANITIZE_SET": "ALWAYS_FORWARD_ONLY"})
    stranger = authority.issue("stranger", uri(STRANGER))
    assert whoami(forwarding, stranger, FORGED).principal == OPERATOR
    # Without a header there is no route.
    with pytest.raises(grpc.RpcError) as raised:
        whoami(forwarding, stranger)
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_denied_serial_number(identity: Fronted, authority: CertificateAuthority) -> None:
    caller = authority.issue("leaver", uri(OPERATOR))
    assert whoami(identity, caller).principal == OPERATOR
    file = identity.host.directory / "ops.toml"
    file.write_text(f'{file.read_text()}\n[revocation]\ndenied_serials = ["{caller.serial:x}"]\n')

    def refusal() -> dict[str, str] | None:
        try:
            whoami(identity, caller)
        except grpc.RpcError as error:
            return status_of(error).details
        return None

    assert eventually(refusal)["certificate"] == "revoked"
