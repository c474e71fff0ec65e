"""Without an audit file, records go to Python's logging, and the start warns about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventually import eventually
from fix_certs import Identity
from fix_host import ADMIN, TRUST_DOMAIN, VIEWER, Host, HostError, StartHost
from fix_status import status_of
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from ops_client.audit_log import verify_audit_log
from ops_service.v1 import annotations_pb2, heap_pb2, process_pb2

COLLECT = (
    "import logging\n"
    "lines = []\n"
    "class Collect(logging.Handler):\n"
    "    def emit(self, record): lines.append(record.getMessage())\n"
    "collect = Collect()\n"
    "logger = logging.getLogger('ops_service.audit')\n"
    "logger.addHandler(collect); logger.setLevel('INFO')"
)


@pytest.fixture
def logging_host(start_host: StartHost) -> Host:
    """A host without an audit file."""
    return start_host(serve=False, audit=None, evaluation={"enabled": False})


def capture(host: Host, identity: Identity) -> str:
    """Capture. Return the hash of the record."""
    call = host.stub(identity).CaptureHeapSnapshot(
        heap_pb2.CaptureHeapSnapshotRequest(), timeout=120
    )
    list(call)
    return str(dict(call.initial_metadata())["ops-audit-hash"])


def test_a_chain_of_lines(logging_host: Host, admin: Identity, tmp_path: Path) -> None:
    host = logging_host
    host.run(COLLECT)
    host.start_service()
    heads = [capture(host, admin)]
    host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    heads.append(capture(host, admin))
    host.run("service.stop()")
    lines = host.run("answer = lines")
    assert [json.loads(each)["event"] for each in lines] == ["begin", "end"] * 3
    # The collected lines can be verified like a file.
    path = tmp_path / "collected.jsonl"
    path.write_text("".join(f"{each}\n" for each in lines))
    for head in heads:
        assert verify_audit_log([path], head).record_count == 6
    # Nothing except the warning at the start.
    (warning,) = host.output_file.read_text().splitlines()
    assert "audit.file is not set" in warning


def test_a_capture_that_nobody_would_hear_of(logging_host: Host, admin: Identity) -> None:
    # Logging before an application configures it: everything below WARNING is dropped.
    host = logging_host
    host.start_service()
    with pytest.raises(grpc.RpcError) as raised:
        capture(host, admin)
    status = status_of(raised.value)
    assert status.reason == "AUDIT_UNAVAILABLE"
    assert HealthStub(host.channel(admin)).Check(health_pb2.HealthCheckRequest(), timeout=120)
    assert host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)

    # A level alone is not enough, nor is a handler that rejects such records.
    for code in (
        "import logging; logging.getLogger('ops_service.audit').setLevel('INFO')",
        "handler = logging.NullHandler(); logging.getLogger('ops_service').addHandler(handler)",
        f"{COLLECT}; collect.setLevel('ERROR')",
    ):
        host.run(code)
        with pytest.raises(grpc.RpcError):
            capture(host, admin)
    host.run("collect.setLevel('INFO')")
    assert capture(host, admin)


def test_evaluation_needs_a_file(start_host: StartHost) -> None:
    host = start_host(serve=False, audit=None)
    with pytest.raises(HostError, match=r"evaluation\.enabled is true without an audit file"):
        host.start_service()


# ---- the warning at the start ------------------------------------------------------

WARNED = "READ_HEAP", "OPERATE", "EVALUATE"


def granting(*capabilities: str) -> dict[str, Any]:
    """A configuration without evaluation whose only grant lists these."""
    grant = {"principal": ADMIN, "capabilities": list(capabilities)}
    return {"evaluation": {"enabled": False}, "grants": [grant]}


@pytest.mark.parametrize("capability", WARNED)
def test_a_start_without_a_file_warns(start_host: StartHost, capability: str) -> None:
    host = start_host(audit=None, **granting("INSPECT", capability))
    (warning,) = host.output_file.read_text().splitlines()
    assert warning.startswith(f"{host.directory / 'ops.toml'}: audit.file is not set, and grants")
    assert f"list {capability}: " in warning
    assert warning.endswith("; set audit.file")


@pytest.mark.parametrize("capabilities", [["INSPECT"], ["INSPECT", *WARNED]], ids=len)
def test_a_start_that_does_not_warn(start_host: StartHost, capabilities: list[str]) -> None:
    # With INSPECT alone no file is needed. With all of them there is a file.
    without = {"audit": None} if capabilities == ["INSPECT"] else {}
    host = start_host(**without, **granting(*capabilities))
    host.assert_alive()
    host.assert_printed_nothing()


def test_grants_that_come_later_warn_once(start_host: StartHost, viewer: Identity) -> None:
    host = start_host(audit=None, **granting("INSPECT"))
    host.assert_printed_nothing()
    file = host.directory / "ops.toml"

    def grant_too(principal: str, capability: str) -> None:
        more = f'[[grants]]\nprincipal = "{principal}"\ncapabilities = ["{capability}"]\n'
        file.write_text(f"{file.read_text()}\n{more}")

    grant_too(f"spiffe://{TRUST_DOMAIN}/other", "OPERATE")
    said = host.output_file.read_text
    eventually(lambda: "grants list OPERATE: " in said(), said)
    # The same capability for another caller is not new.
    grant_too(VIEWER, "OPERATE")
    asked = process_pb2.GetPrincipalRequest()
    stub = host.stub(viewer)
    operate = annotations_pb2.CAPABILITY_OPERATE
    eventually(lambda: operate in stub.GetPrincipal(asked, timeout=120).capabilities, said)
    assert len(host.output_file.read_text().splitlines()) == 1
