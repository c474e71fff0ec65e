"""TLS files that change while the service runs, and files that it refuses."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity
from fix_host import Host, HostError, StartHost
from fix_rotation import install, presented

from ops_service.v1 import growth_pb2, process_pb2


@pytest.fixture
def tls(authority: CertificateAuthority, tmp_path: Path) -> dict[str, str]:
    """TLS files for one test."""
    server = authority.issue_server("first")
    install(server, tmp_path)
    shutil.copy(authority.certificate, tmp_path / "ca.pem")
    return {
        "certificate": str(tmp_path / "server.pem"),
        "private_key": str(tmp_path / "server.key"),
        "client_ca": str(tmp_path / "ca.pem"),
    }


def wait_until_presented(host: Host, certificate: str) -> None:
    eventually(lambda: presented(host) == certificate, "the certificate was not reloaded")


def test_a_rotated_certificate(
    start_host: StartHost,
    authority: CertificateAuthority,
    admin: Identity,
    tls: dict[str, str],
    tmp_path: Path,
) -> None:
    host = start_host(tls=tls)
    assert presented(host) == Path(tls["certificate"]).read_text()
    # A stream that began earlier goes on.
    stream = host.stub(admin).WatchHeapGrowth(
        growth_pb2.WatchHeapGrowthRequest(
            interval={"nanos": 100_000_000}, duration={"seconds": 600}
        ),
        timeout=120,
    )
    next(stream)

    second = authority.issue_server("second")
    install(second, tmp_path)
    wait_until_presented(host, second.certificate.read_text())
    assert next(stream).WhichOneof("part") == "report"
    host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    stream.cancel()


def test_files_that_cannot_be_used_change_nothing(
    start_host: StartHost,
    authority: CertificateAuthority,
    admin: Identity,
    tls: dict[str, str],
    tmp_path: Path,
) -> None:
    host = start_host(tls=tls)
    host.run(
        "import logging\nlogged = []\n"
        "class Keep(logging.Handler):\n"
        "    def emit(self, record): logged.append(record.getMessage())\n"
        "logging.getLogger('ops_service').addHandler(Keep())"
    )
    first = presented(host)
    # A certificate without its key.
    other = authority.issue_server("other")
    shutil.copy(other.certificate, tls["certificate"])

    def logged() -> list[str]:
        found: list[str] = host.run("answer = logged")
        assert found or presented(host) == first
        return found

    assert "the old state stays" in eventually(logged)[0]
    host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)

    # Once the key is there too, both are used.
    install(other, tmp_path)
    wait_until_presented(host, other.certificate.read_text())


def make(directory: Path, name: str, content: str | bytes, mode: int = 0o600) -> str:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return str(path)


def refusal(start_host: StartHost, **changes: Any) -> str:
    """Start with a wrong configuration. Return the last line of the traceback."""
    host = start_host(serve=False, **changes)
    with pytest.raises(HostError) as raised:
        host.start_service()
    host.assert_alive()
    host.assert_printed_nothing()
    return str(raised.value).strip().splitlines()[-1]


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_a_key_that_everybody_may_read(
    start_host: StartHost, tls: dict[str, str], mode: int
) -> None:
    Path(tls["private_key"]).chmod(mode)
    message = refusal(start_host, tls=tls)
    assert re.search(r"ConfigurationError: .*/ops\.toml:\d+: tls\.private_key: ", message)
    assert "chmod o-rwx" in message


@pytest.mark.parametrize("key", ["certificate", "client_ca"])
def test_files_that_others_may_write(
    start_host: StartHost, tls: dict[str, str], tmp_path: Path, key: str
) -> None:
    Path(tls[key]).chmod(0o646)
    message = refusal(start_host, tls=tls)
    assert re.search(rf"ConfigurationError: .*/ops\.toml:\d+: tls\.{key}: ", message)
    assert f"may be written by everyone; run chmod o-w {tls[key]}" in message
    Path(tls[key]).chmod(0o644)
    tmp_path.chmod(0o777)
    assert "everyone may replace it" in refusal(start_host, tls=tls)


@pytest.mark.parametrize("key", ["certificate", "private_key", "client_ca"])
@pytest.mark.parametrize("content", [None, "", "junk", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_files_that_are_missing_or_junk(
    start_host: StartHost, tls: dict[str, str], key: str, content: str | None
) -> None:
    if content is None:
        Path(tls[key]).unlink()
    else:
        Path(tls[key]).write_text(content)
    message = refusal(start_host, tls=tls)
    assert re.search(r"ConfigurationError: .*/ops\.toml:\d+: tls\.", message)
    assert tls[key] in message


def test_a_key_with_a_passphrase(
    start_host: StartHost, tls: dict[str, str], tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(Path(tls["private_key"]).read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    make(tmp_path, "server.key", locked)
    assert "without a passphrase" in refusal(start_host, tls=tls)


def test_wrong_values_are_refused(start_host: StartHost) -> None:
    message = refusal(start_host, server={"address": "0.0.0.0:0"})
    assert "allow_wildcard_bind" in message
    assert "grants is empty" in refusal(start_host, grants=[])
    message = refusal(start_host, audit={"file": "/no/such/directory/audit.jsonl"})
    assert "StartError: The audit file /no/such/directory/audit.jsonl cannot be opened" in message


def test_a_wildcard_may_be_asked_for(start_host: StartHost, admin: Identity) -> None:
    host = start_host(server={"address": "0.0.0.0:0", "allow_wildcard_bind": True})
    assert host.address.startswith("0.0.0.0:")
    host.address = host.address.replace("0.0.0.0", "127.0.0.1")
    host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    # IPv4 alone, as the address says, or gRPC's dual-stack socket. Never without TLS.
    with grpc.insecure_channel(host.address) as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary("/x/y")(b"", timeout=120)


@pytest.mark.parametrize(("version", "accepted"), [("-tls1_1", False), ("-tls1_2", True)])
def test_old_tls_is_refused(host: Host, admin: Identity, version: str, accepted: bool) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    files = ["-cert", str(admin.certificate), "-key", str(admin.private_key)]
    # Without the lowest security level the client itself would refuse TLS 1.1.
    level = ["-cipher", "ALL:@SECLEVEL=0"]
    done = subprocess.run(
        [openssl, "s_client", "-connect", host.address, version, *files, *level],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ("no peer certificate available" in done.stdout) is not accepted
    host.assert_alive()
