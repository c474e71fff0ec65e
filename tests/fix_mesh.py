"""Envoy with the files of `examples/mesh`, and a host behind it. For `make test-mesh`."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, dns, ip, uri
from fix_host import Host, StartHost

MESH = Path(__file__).resolve().parents[1] / "examples/mesh"
ENVOY = Path(sys.executable).with_name("envoy")
OPERATOR = "spiffe://ops.local/operator"
SERVER = "spiffe://ops.local/server"
# With this line the recipe rejects a header of several elements.
ONE_ELEMENT = "                                invert_match: true\n"
# How an Istio sidecar treats the header.
APPENDING = {
    "SANITIZE_SET": "APPEND_FORWARD",
    ONE_ELEMENT: "",
    'contains: ","': 'contains: "By="',
}
# Two tests run at once, each with its Envoy. The instances must share nothing.
QUIET = ("--disable-hot-restart", "--concurrency", "1", "--log-level", "warning")


class Envoy:
    """A running Envoy. Its admin interface reports where it listens.

    Args:
        directory: Holds ``envoy.yaml`` and the files that it names.
    """

    def __init__(self, directory: Path) -> None:
        self._admin = directory / "admin.sock"
        self._log = directory / "envoy.log"
        admin = f'{{"admin": {{"address": {{"pipe": {{"path": "{self._admin}"}}}}}}}}'
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [ENVOY, "-c", "envoy.yaml", "--config-yaml", admin, *QUIET],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        (listener,) = self._ask("/listeners?format=json")["listener_statuses"]
        bound = listener["local_address"]["socket_address"]
        self.address = f"{bound['address']}:{bound['port_value']}"

    def _ask(self, path: str) -> Any:
        def body() -> Any:
            with (
                contextlib.suppress(OSError, ValueError, http.client.HTTPException),
                socket.socket(socket.AF_UNIX) as over,
            ):
                over.connect(str(self._admin))
                connection = http.client.HTTPConnection("admin")
                connection.sock = over
                connection.request("GET", path)
                if found := json.loads(connection.getresponse().read()):
                    return found
            assert self.process.poll() is None, self._log.read_text()
            return None

        return eventually(body, self._log.read_text, within=90)

    def close(self) -> None:
        """End it, whatever it is doing."""
        self.process.kill()
        self.process.wait()


class Fronted:
    """A host with the configuration of a recipe, and Envoy in front of it."""

    def __init__(self, directory: Path, host: Host, envoy: Envoy, authority: CertificateAuthority):
        self.directory = directory
        self.host = host
        self.envoy = envoy
        self.authority = authority

    @property
    def address(self) -> str:
        return self.envoy.address

    def channel(self, identity: Identity) -> grpc.Channel:
        return grpc.secure_channel(self.address, identity.channel_credentials())


def lay_out(recipe: str, directory: Path, authority: CertificateAuthority) -> Path:
    """Copy a recipe, with certificates whose names are those of `opsctl certs init`."""
    place = directory / recipe
    shutil.copytree(MESH / recipe, place)
    server = authority.issue(f"{recipe}-proxy", uri(SERVER), dns("shop.ops.local"), ip("127.0.0.1"))
    (place / "certs").mkdir()
    for source, name in (
        (authority.certificate, "ca.pem"),
        (server.certificate, "server.pem"),
        (server.private_key, "server-key.pem"),
    ):
        shutil.copy(source, place / "certs" / name)
    return place


Front = Callable[..., Fronted]


@pytest.fixture(scope="module")
def front(
    start_shared_host: StartHost,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    """Start a recipe: ``front("identity", {"timeout: 0s": "timeout: 1s"})``.

    The recipe's files stay as they are, apart from ports, the socket's path, and the
    requested replacements in Envoy's configuration.
    """
    running: list[Envoy] = []

    def start(recipe: str, replacements: dict[str, str] | None = None) -> Fronted:
        place = lay_out(recipe, tmp_path_factory.mktemp("mesh"), authority)
        table = tomllib.loads((place / "ops_service.toml").read_text())
        if recipe == "identity":
            table["server"]["address"] = f"unix:{place}/run/ops.sock"
        else:
            table["server"]["address"] = "127.0.0.1:0"
            table["tls"] = {key: str(place / name) for key, name in table["tls"].items()}
        del table["audit"]
        # The walking child has the lowest priority, and test machines are busy.
        host = start_shared_host(
            tls=table.pop("tls", None), heap={"lifetime_limit_seconds": 120.0}, **table
        )
        text = (place / "envoy.yaml").read_text()
        port = host.address.rpartition(":")[2]
        for old, new in {
            "port_value: 8443": "port_value: 0",
            "port_value: 7443": f"port_value: {port}",
            "/tmp/shop-ops/ops.sock": host.address.removeprefix("unix:"),
            **(replacements or {}),
        }.items():
            assert old in text or old.startswith(("port_value: 7443", "/tmp/"))
            text = text.replace(old, new)
        (place / "envoy.yaml").write_text(text)
        running.append(Envoy(place))
        return Fronted(place, host, running[-1], authority)

    yield start
    for each in running:
        each.close()


@pytest.fixture(scope="session")
def operator(authority: CertificateAuthority) -> Identity:
    """The operator of the recipes."""
    return authority.issue("operator", uri(OPERATOR))
