"""Grants that change while the service runs, and what cannot be granted."""

from __future__ import annotations

import contextlib
import hashlib
import time
from typing import Any

import grpc
import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, uri
from fix_evaluation import begin_evaluation, evaluate
from fix_host import ADMIN, ALL, VIEWER, Host, HostError, StartHost, configuration, toml
from fix_status import status_of

from ops_service.v1 import growth_pb2, process_pb2


def write_grants(host: Host, grants: list[dict[str, Any]]) -> None:
    """Replace the configuration file in one step, as a careful editor does."""
    config = {**configuration(host.authority, host.audit_file), "grants": grants}
    new = host.directory / "new.toml"
    new.write_text(toml(config))
    new.replace(host.directory / "ops.toml")


WITHOUT_EVALUATE = [
    {"principal": ADMIN, "capabilities": [each for each in ALL if each != "EVALUATE"]},
    {"principal": VIEWER, "capabilities": ["INSPECT"]},
]


def test_a_grant_that_is_taken_out_ends_what_runs(start_host: StartHost, admin: Identity) -> None:
    host = start_host(evaluation={"time_limit_seconds": 100.0})
    call = begin_evaluation(host, admin, "while True: pass")
    watch = host.stub(admin).WatchHeapGrowth(growth_pb2.WatchHeapGrowthRequest(), timeout=120)
    assert next(watch).WhichOneof("part") == "header"
    began = time.monotonic()
    write_grants(host, WITHOUT_EVALUATE)
    with pytest.raises(grpc.RpcError) as raised:
        list(call)
    host.wait_for("not service_evaluations()")
    # The promise is 5 s. A busy machine gets more. The time limit is 100.
    assert time.monotonic() - began < 30
    status = status_of(raised.value)
    assert status.code == grpc.StatusCode.PERMISSION_DENIED
    assert status.details["missing_capability"] == "EVALUATE"
    with pytest.raises(grpc.RpcError) as refused:
        evaluate(host, admin, "1")
    assert status_of(refused.value).reason == "PERMISSION_DENIED"
    # What is still granted goes on.
    host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    assert watch.is_active()
    watch.cancel()
    end = host.wait_for_records("EvaluateCode", 3)[1]
    assert (end["event"], end["code"]) == ("end", "PERMISSION_DENIED")


def test_the_last_grant_can_be_taken_out(start_host: StartHost, admin: Identity) -> None:
    host = start_host()
    call = begin_evaluation(host, admin, "import time\nwhile True: time.sleep(0.01)")
    write_grants(host, [])
    with pytest.raises(grpc.RpcError) as raised:
        list(call)
    assert status_of(raised.value).reason == "PERMISSION_DENIED"


def test_a_grant_that_is_put_in_holds(
    start_host: StartHost, admin: Identity, authority: CertificateAuthority
) -> None:
    name = "spiffe://test.example/newcomer"
    newcomer = authority.issue("newcomer", uri(name))
    host = start_host()
    before = (host.directory / "ops.toml").read_text()
    # An invalid file changes nothing.
    (host.directory / "ops.toml").write_text("grants = [")
    (host.directory / "ops.toml").write_text(before.replace("EVALUATE", "EVALUATION"))
    assert evaluate(host, admin, "1").result.value_repr == "1"
    write_grants(host, [{"principal": name, "capabilities": ["INSPECT", "EVALUATE"]}])

    def value() -> str:
        with contextlib.suppress(grpc.RpcError):
            return evaluate(host, newcomer, "1 + 1").result.value_repr
        return ""

    assert eventually(value) == "2"
    with pytest.raises(grpc.RpcError) as raised:
        evaluate(host, admin, "1")
    assert status_of(raised.value).reason == "PERMISSION_DENIED"


@pytest.mark.parametrize("principal", ["spiffe://test.example/*", "dns:*.test.example", "uri:*"])
def test_a_wildcard_cannot_evaluate(start_host: StartHost, principal: str) -> None:
    grants = [{"principal": principal, "capabilities": ["INSPECT", "EVALUATE"]}]
    host = start_host(serve=False, grants=grants)
    with pytest.raises(HostError, match="a wildcard, which cannot hold EVALUATE"):
        host.start_service()


def test_the_environment_wins(start_host: StartHost, admin: Identity) -> None:
    host = start_host(environment={"OPS_SERVICE_EVALUATE": "off"})
    with pytest.raises(grpc.RpcError) as raised:
        evaluate(host, admin, "1")
    status = status_of(raised.value)
    assert status.reason == "EVALUATION_DISABLED"
    assert "OPS_SERVICE_EVALUATE" in status.message
    process = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    assert not process.evaluation_enabled
    odd = start_host(serve=False, environment={"OPS_SERVICE_EVALUATE": "perhaps"})
    with pytest.raises(HostError, match="OPS_SERVICE_EVALUATE is 'perhaps'"):
        odd.start_service()


def test_the_record_names_the_hash_of_the_source(host: Host, admin: Identity) -> None:
    source = "'ü' + 'hashed'"
    evaluate(host, admin, source)
    begin = next(r for r in host.audit_records() if r.get("request", {}).get("source") == source)
    assert begin["source_sha256"] == hashlib.sha256(source.encode()).hexdigest()
