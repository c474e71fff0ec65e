"""Every shipped configuration starts, and each caller who may capture can capture.

The test searches all tracked files that are shipped or that users read: whole files,
blocks in manifests, and blocks in documents. It replaces only paths, ports and
certificates.
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from fix_certs import CertificateAuthority, dns, uri
from fix_host import Host, StartHost, configuration, toml

from ops_service import Config
from ops_service.v1 import heap_pb2, process_pb2
from ops_service.v1.annotations_pb2 import Capability
from ops_service.v1.maintenance_service_pb2_grpc import MaintenanceServiceStub

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
).stdout.split("\0")[:-1]
# Nobody configures a port with the files in these folders.
NOT_SHIPPED = ("benchmarks/", "ops_service/", "tests/", "tools/")
TABLES = "|".join(field.name for field in dataclasses.fields(Config))
HEADER = re.compile(rf"^[ \t]*\[{{1,2}}(?:{TABLES})\]{{1,2}}[ \t]*(?:#.*)?$", re.MULTILINE)
# A literal block of YAML: all lines below its key that are indented further, or empty.
YAML_BLOCK = re.compile(r"^( *)[^\s#].*: *\|[-+]?\n((?:\1 +.*\n|[ \t]*\n)+)", re.MULTILINE)
MARKDOWN_BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Shipped:
    """A configuration, or a part of one, and its location."""

    file: str
    text: str

    @property
    def table(self) -> dict[str, Any]:
        return tomllib.loads(self.text)

    @property
    def is_whole(self) -> bool:
        return "grants" in self.table and bool({"tls", "mesh"} & set(self.table))


def blocks(file: str, text: str) -> list[str]:
    match Path(file).suffix:
        case ".toml":
            return [text]
        case ".yaml" | ".yml":
            return [textwrap.dedent(block) for _, block in YAML_BLOCK.findall(text)]
        case ".md":
            return MARKDOWN_BLOCK.findall(text)
    return []


def shipped() -> list[Shipped]:
    found = []
    for file in TRACKED:
        path = ROOT / file
        if file.startswith(NOT_SHIPPED) or not path.is_file():
            continue
        text = path.read_text(errors="replace")
        inside = [block for block in blocks(file, text) if HEADER.search(block)]
        found += [Shipped(file, block) for block in inside]
        seen = sum(len(HEADER.findall(block)) for block in inside)
        assert seen == len(HEADER.findall(text)), (
            f"{file} holds a configuration in a form that this test does not find; "
            "put it into a block of its own, or teach blocks() the form"
        )
    return found


ALL = shipped()
WHOLE = [each for each in ALL if each.is_whole]
PARTS = [each for each in ALL if not each.is_whole]


def names(of: list[Shipped]) -> list[str]:
    return [f"{each.file}:{number}" for number, each in enumerate(of)]


def place(directory: Path, path: str, *, is_socket: bool = False) -> str:
    """A configured path, mapped into the test. Anybody may write to what a pod mounts."""
    found = directory / path.lstrip("/")
    # The service itself makes the directory of a socket.
    mounted = found.parent.parent if is_socket else found.parent
    mounted.mkdir(parents=True, exist_ok=True)
    if path.startswith("/"):
        # The kubelet gives this mode to an empty volume of a pod with an fsGroup.
        os.chmod(mounted, 0o2777)
    return str(found)


def put_in_place(table: dict[str, Any], directory: Path) -> None:
    """Replace paths and addresses, and nothing else."""
    server = table.get("server", {})
    address = server.get("address", "")
    if address.startswith("unix:"):
        server["address"] = f"unix:{place(directory, address[5:], is_socket=True)}"
    elif address:
        server["address"] = "127.0.0.1:0"
    for name, key in (("server", "run_directory"), ("store", "directory"), ("audit", "file")):
        if key in table.get(name, {}):
            table[name][key] = place(directory, table[name][key])
    # The walking child has the lowest priority, and test machines are busy.
    table.setdefault("heap", {}).setdefault("lifetime_limit_seconds", 120.0)


def start_with(start_host: StartHost, table: dict[str, Any]) -> Host:
    """A host with exactly this configuration."""
    host = start_host(serve=False)
    (host.directory / "ops.toml").write_text(toml(table))
    host.start_service()
    return host


class Caller:
    """A principal of a configuration, over TLS or as its proxy reports it."""

    def __init__(
        self, host: Host, table: dict[str, Any], authority: CertificateAuthority, principal: str
    ) -> None:
        name = principal.replace("*", "somebody").removeprefix("uri:")
        kind, make = ("DNS", dns) if name.startswith("dns:") else ("URI", uri)
        name = name.removeprefix("dns:")
        self.metadata = []
        if table.get("mesh", {}).get("enabled"):
            said = f"By={table['mesh']['proxies'][0]};Hash={'ab' * 32};{kind}={name}"
            self.metadata = [("x-forwarded-client-cert", said)]
            self.channel = grpc.insecure_channel(host.address)
        else:
            identity = authority.issue(re.sub(r"\W+", "-", name), make(name))
            self.channel = grpc.secure_channel(host.address, identity.channel_credentials())
        self.stub = MaintenanceServiceStub(self.channel)

    def capabilities(self) -> set[str]:
        """What the port lets it do, beyond what every peer may do."""
        request = process_pb2.GetPrincipalRequest()
        reply = self.stub.GetPrincipal(request, metadata=self.metadata, timeout=120)
        names = {Capability.Name(each) for each in reply.capabilities}
        return {name.removeprefix("CAPABILITY_") for name in names} - {"AUTHENTICATED"}

    def capture(self) -> list[str]:
        """The kinds of a snapshot's parts, in order."""
        request = heap_pb2.CaptureHeapSnapshotRequest()
        parts = self.stub.CaptureHeapSnapshot(request, metadata=self.metadata, timeout=120)
        return [part.WhichOneof("part") for part in parts]


def test_they_are_found() -> None:
    assert {each.file for each in WHOLE} >= {
        "examples/demo_shop/ops_service.toml",
        "examples/mesh/istio/identity.yaml",
        "examples/mesh/kubernetes/passthrough.yaml",
    }
    assert {each.file for each in PARTS} >= {"docs/how-to/workers.md"}


@pytest.mark.parametrize("each", WHOLE, ids=names(WHOLE))
def test_a_whole_one(
    each: Shipped,
    start_host: StartHost,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    table = each.table
    # A short name, because a socket's path must be short.
    put_in_place(table, tmp_path_factory.mktemp("at"))
    if "tls" in table:
        table["tls"] |= configuration(authority, Path())["tls"]
    host = start_with(start_host, table)
    for grant in table["grants"]:
        caller = Caller(host, table, authority, grant["principal"])
        with caller.channel:
            assert caller.capabilities() == set(grant["capabilities"])
            if "READ_HEAP" in grant["capabilities"]:
                parts = caller.capture()
                assert (parts[0], parts[-1]) == ("header", "trailer")
    host.assert_alive()
    # No warning either.
    host.assert_printed_nothing()


@pytest.mark.parametrize("each", PARTS, ids=names(PARTS))
def test_a_part(
    each: Shipped,
    start_host: StartHost,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.mktemp("at")
    table = configuration(authority, directory / "audit.jsonl") | {"store": {"directory": "store"}}
    for name, value in each.table.items():
        table[name] = {**table.get(name, {}), **value} if isinstance(value, dict) else value
    put_in_place(table, directory)
    grants = each.table.get("grants", [])
    domains = [found[1] for g in grants if (found := re.match("spiffe://([^/]+)", g["principal"]))]
    table["authorization"]["trust_domains"] += domains
    host = start_with(start_host, table)
    for grant in grants:
        caller = Caller(host, table, authority, grant["principal"])
        with caller.channel:
            assert caller.capabilities() == set(grant["capabilities"])
    host.assert_alive()
    host.assert_printed_nothing()
