"""ListOperations and InvokeOperation over the wire, through both clients and opsctl."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fix_certs import CertificateAuthority, Identity, uri
from fix_client import Connect, credentials_of
from fix_host import Host, StartHost
from fix_operations import APPLICATION, OPERATOR, start_operations
from fix_opsctl import Opsctl, environment_of
from google.protobuf import struct_pb2

from ops_client.cli.exit_codes import ExitCode
from ops_client.errors import Busy, NoSuchOperation, OperationUnavailable, PermissionDenied
from ops_service.v1 import operations_pb2, process_pb2

COMPLETED = operations_pb2.OPERATION_OUTCOME_COMPLETED
FAILED = operations_pb2.OPERATION_OUTCOME_FAILED
RAISED = operations_pb2.OPERATION_OUTCOME_RAISED
TIMED_OUT = operations_pb2.OPERATION_OUTCOME_TIMED_OUT
STILL_RUNNING = operations_pb2.OPERATION_OUTCOME_STILL_RUNNING


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost) -> Host:
    return start_operations(start_shared_host)


@pytest.fixture(scope="module")
def operator(authority: CertificateAuthority) -> Identity:
    return authority.issue("operator", uri(OPERATOR))


@pytest.fixture
def client(connect: Connect, host: Host, operator: Identity) -> Any:
    return connect(host.address, credentials_of(operator))


def test_what_it_says_itself_is_told(client: Any) -> None:
    result = client.invoke_operation("cache.fails").result
    assert (result.outcome, result.message) == (FAILED, "the backend is away")


def test_text_of_an_exception_stays_there(client: Any, host: Host) -> None:
    host.run(
        "import logging, io\nlogged = io.StringIO()\n"
        "logging.getLogger('ops_service').addHandler(logging.StreamHandler(logged))"
    )
    run = client.invoke_operation("cache.raises")
    assert (run.result.outcome, run.result.exception_type) == (RAISED, "ValueError")
    assert "hunter2" not in str(run)
    logged = host.run("answer = logged.getvalue()")
    assert run.result.reference == run.header.run_id
    assert run.result.reference in logged
    assert "hunter2" in logged


def test_system_exit_ends_nothing(client: Any, host: Host) -> None:
    result = client.invoke_operation("cache.exits").result
    assert (result.outcome, result.exception_type) == (RAISED, "SystemExit")
    assert host.run("answer = loop.is_running()")


@pytest.mark.parametrize(("name", "why"), [("objects", "not plain data"), ("deep", "too deeply")])
def test_values_that_are_not_plain(client: Any, name: str, why: str) -> None:
    result = client.invoke_operation(f"cache.{name}").result
    assert result.outcome == COMPLETED
    assert why in result.value_left_out


def test_a_coroutine_runs_on_the_loop(client: Any) -> None:
    result = client.invoke_operation("sleeps", {"seconds": 0}).result
    assert (result.outcome, result.value.string_value) == (COMPLETED, "the loop")
    result = client.invoke_operation("sleeps", {"seconds": 60}, time_limit=0.1).result
    assert result.outcome == TIMED_OUT


def test_no_loop_no_coroutine(start_host: StartHost, connect: Connect, operator: Identity) -> None:
    host = start_host(
        grants=[{"principal": OPERATOR, "capabilities": ["OPERATE"], "operations": ["*"]}]
    )
    host.run(APPLICATION)
    with pytest.raises(OperationUnavailable, match="event loop"):
        connect(host.address, credentials_of(operator)).invoke_operation("sleeps", {"seconds": 0})


def test_much_progress_is_thinned_out(client: Any) -> None:
    run = client.invoke_operation("cache.counts")
    assert run.result.outcome == COMPLETED
    assert run.progress[-1].message == "1999"
    numbers = [int(each.message) for each in run.progress]
    assert numbers == sorted(set(numbers))


def test_one_that_heeds_its_time_limit(client: Any) -> None:
    run = client.invoke_operation("cache.heeds")
    assert run.result.outcome == TIMED_OUT
    assert run.progress


def test_one_that_does_not_keeps_its_place(client: Any, host: Host, operator: Identity) -> None:
    host.run("release.clear()")
    run = client.invoke_operation("cache.hangs")
    assert run.result.outcome == STILL_RUNNING
    process = host.stub(operator).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    (running,) = process.running_operations
    assert (running.operation, running.principal) == ("cache.hangs", OPERATOR)
    assert running.run_id == run.header.run_id
    assert running.past_time_limit
    with pytest.raises(Busy, match=r"cache\.hangs runs already"):
        client.invoke_operation("cache.hangs")
    host.run("release.set()")
    host.wait_for("'operation cache.hangs' not in [t.name for t in threading.enumerate()]")
    assert client.invoke_operation("cache.hangs").result.outcome == COMPLETED


def test_a_caller_that_goes_away_ends_it(host: Host, operator: Identity) -> None:
    request = operations_pb2.InvokeOperationRequest(
        operation="sleeps",
        arguments=struct_pb2.Struct(fields={"seconds": struct_pb2.Value(number_value=50)}),
    )
    call = host.stub(operator).InvokeOperation(request, timeout=120)
    assert next(call).WhichOneof("part") == "header"
    # One of them keeps the loop alive.
    host.wait_for("len(asyncio.all_tasks(loop)) == 2")
    call.cancel()
    host.wait_for("len(asyncio.all_tasks(loop)) == 1")


def test_only_what_the_grant_lists(
    connect: Connect, host: Host, admin: Identity, client: Any
) -> None:
    # Every capability, but no operation in the grant.
    other = connect(host.address, credentials_of(admin))
    for name in ("cache.clear", "no.such"):
        with pytest.raises(PermissionDenied, match=f"no grant of the operation {name}"):
            other.invoke_operation(name)
    assert not any(each.allowed for each in other.list_operations().operations)
    with pytest.raises(NoSuchOperation, match=r"no operation 'absent\.one'"):
        client.invoke_operation("absent.one")
    with pytest.raises(PermissionDenied):
        client.invoke_operation("")


def test_opsctl(opsctl: Opsctl, host: Host, operator: Identity) -> None:
    env = environment_of(host.address, operator)
    run = opsctl("ops", "list", env=env)
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    assert "cache.clear prefix=string [limit=integer]" in run.stdout
    assert "[colour=RED|GREEN] [how=soft|2] [names=[string, …]] [until=integer|null]" in run.stdout
    assert "    Drop cached pages." in run.stdout

    run = opsctl(
        *("ops", "run", "cache.clear", "prefix=1", "limit=3", "dry=true", "how=2"),
        *('names=["x"]', "until=null", "colour=GREEN"),
        env=env,
    )
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    assert run.stdout.splitlines()[0] == " 50%  half of it"
    assert json.loads(run.stdout.splitlines()[-1])["ü"] == "1"
    assert host.run("answer = [seen['limit'], seen['dry'], seen['names']]") == [3, True, ["x"]]

    run = opsctl("ops", "run", "cache.clear", "--json", "prefix=a", env=env)
    assert json.loads(run.stdout)["result"]["outcome"] == "OPERATION_OUTCOME_COMPLETED"
    for arguments, code in (
        (("cache.fails",), ExitCode.CODE_RAISED),
        (("cache.raises",), ExitCode.CODE_RAISED),
        (("cache.heeds",), ExitCode.CODE_TIMED_OUT),
        (("cache.clear", "limit=x"), ExitCode.INVALID_REQUEST),
        (("cache.clear", "limit"), ExitCode.USAGE),
        (("absent.one",), ExitCode.NO_SUCH_OPERATION),
        (("elsewhere",), ExitCode.PERMISSION_DENIED),
    ):
        run = opsctl("ops", "run", *arguments, env=env)
        assert run.returncode == code, (arguments, run.stderr)
        assert run.stderr
