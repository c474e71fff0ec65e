"""ListOperations and InvokeOperation over the wire, through both clients and opsctl."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from fix_certs import CertificateAuthority, Identity, uri
from fix_client import Connect, credentials_of
from fix_host import ADMIN, ALL, VIEWER, Host, HostError, StartHost
from fix_opsctl import Opsctl, environment_of
from fix_status import status_of
from google.protobuf import json_format, struct_pb2
from google.protobuf.duration_pb2 import Duration

from ops_client.cli.exit_codes import ExitCode
from ops_client.errors import (
    Busy,
    InvalidRequest,
    NoSuchOperation,
    OperationUnavailable,
    PermissionDenied,
)
from ops_service.v1 import operations_pb2, process_pb2

OPERATOR = "spiffe://test.example/operator"
COMPLETED = operations_pb2.OPERATION_OUTCOME_COMPLETED
FAILED = operations_pb2.OPERATION_OUTCOME_FAILED
RAISED = operations_pb2.OPERATION_OUTCOME_RAISED
TIMED_OUT = operations_pb2.OPERATION_OUTCOME_TIMED_OUT
STILL_RUNNING = operations_pb2.OPERATION_OUTCOME_STILL_RUNNING

APPLICATION = '''
import asyncio, enum, threading
from typing import Literal, Optional
import ops_service

class Colour(enum.Enum):
    RED = 1
    GREEN = 2

seen = {}
release = threading.Event()

@ops_service.operation("cache.clear")
def clear(prefix: str, limit: int = 100, share: float = 0.5, dry: bool = False,
          colour: Colour = Colour.RED, how: Literal["soft", 2] = "soft",
          names: list[str] = [], until: Optional[int] = None, *,
          context: ops_service.OperationContext):
    """Drop cached pages.

    All of them.
    """
    seen.update(prefix=prefix, limit=limit, share=share, dry=dry, colour=colour.name, how=how,
                names=names, until=until, thread=threading.current_thread().name,
                who=context.principal)
    context.progress(0.5, "half of it")
    context.progress(message="and more")
    return {"cleared": [1, 2.5, None, True], "ü": prefix}

@ops_service.operation("cache.fails")
def fails(): raise ops_service.OperationFailed("the backend is away")

@ops_service.operation("cache.raises")
def raises(): raise ValueError("password=hunter2")

@ops_service.operation("cache.exits")
async def exits(): raise SystemExit(3)

@ops_service.operation("cache.objects")
def objects(): return object()

@ops_service.operation("cache.deep")
def deep():
    value = []
    value.append(value)
    return value

@ops_service.operation("cache.heeds", time_limit=0.2)
def heeds(context: ops_service.OperationContext):
    while True: context.progress(message="on"); release.wait(0.005)

@ops_service.operation("cache.hangs", time_limit=0.2)
def hangs(): release.wait()

@ops_service.operation("cache.counts")
def counts(context: ops_service.OperationContext):
    for number in range(2000): context.progress(number / 2000, str(number))

@ops_service.operation
async def sleeps(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return threading.current_thread().name
'''

LOOP = """
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, name='the loop', daemon=True).start()
async def for_ever(): await asyncio.Event().wait()
held = asyncio.run_coroutine_threadsafe(for_ever(), loop)
"""


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost) -> Host:
    host = start_shared_host(
        grants=[
            {"principal": ADMIN, "capabilities": ALL},
            {"principal": VIEWER, "capabilities": ["INSPECT"]},
            {
                "principal": OPERATOR,
                "capabilities": ["INSPECT", "OPERATE"],
                "operations": ["cache.*", "sleeps", "absent.*"],
            },
        ]
    )
    host.run(APPLICATION)
    host.run(LOOP)
    return host


@pytest.fixture(scope="module")
def operator(authority: CertificateAuthority) -> Identity:
    return authority.issue("operator", uri(OPERATOR))


@pytest.fixture
def client(connect: Connect, host: Host, operator: Identity) -> Any:
    return connect(host.address, credentials_of(operator))


def test_they_are_listed_with_their_schema(client: Any) -> None:
    found = {each.name: each for each in client.list_operations().operations}
    assert list(found) == sorted(found)
    clear = found["cache.clear"]
    assert clear.description == "Drop cached pages.\n\nAll of them."
    assert clear.allowed
    assert not clear.on_event_loop
    assert found["sleeps"].on_event_loop
    parameters = {
        each.name: (
            operations_pb2.OperationValueKind.Name(each.kind).rpartition("_")[2],
            each.is_list,
            each.nullable,
            each.required,
            json_format.MessageToDict(each.default_value)
            if each.HasField("default_value")
            else "no default",
            [json_format.MessageToDict(choice) for choice in each.choices],
        )
        for each in clear.parameters
    }
    assert parameters == {
        "prefix": ("STRING", False, False, True, "no default", []),
        "limit": ("INTEGER", False, False, False, 100, []),
        "share": ("NUMBER", False, False, False, 0.5, []),
        "dry": ("BOOLEAN", False, False, False, False, []),
        "colour": ("CHOICE", False, False, False, "RED", ["RED", "GREEN"]),
        "how": ("CHOICE", False, False, False, "soft", ["soft", 2]),
        "names": ("STRING", True, False, False, [], []),
        "until": ("INTEGER", False, True, False, None, []),
    }


def test_arguments_progress_and_value(client: Any, host: Host) -> None:
    told: list[str] = []
    run = client.invoke_operation(
        "cache.clear",
        {
            "prefix": "/ü",
            "limit": 7,
            "share": 1,
            "dry": True,
            "colour": "GREEN",
            "how": 2,
            "names": ["a", "b"],
            "until": 3,
        },
        on_progress=lambda progress: told.append(progress.message),
    )
    assert run.result.outcome == COMPLETED
    assert run.value == {
        "cleared": [1, 2.5, None, True],
        "ü": "/ü",
    }
    assert told == ["half of it", "and more"]
    assert run.progress[0].fraction == 0.5
    assert not run.progress[1].HasField("fraction")
    assert host.run("answer = seen") == {
        "prefix": "/ü",
        "limit": 7,
        "share": 1.0,
        "dry": True,
        "colour": "GREEN",
        "how": 2,
        "names": ["a", "b"],
        "until": 3,
        "thread": "operation cache.clear",
        "who": OPERATOR,
    }
    begin, end = host.wait_for_last_call("InvokeOperation")
    assert (begin["request"]["operation"], begin["principal"]) == ("cache.clear", OPERATOR)
    assert begin["call_id"] == end["call_id"] == run.header.run_id


def test_defaults(client: Any, host: Host) -> None:
    assert client.invoke_operation("cache.clear", {"prefix": ""}).result.outcome == COMPLETED
    assert host.run("answer = [seen['limit'], seen['colour'], seen['until']]") == [100, "RED", None]


@pytest.mark.parametrize(
    ("arguments", "field", "text"),
    [
        ({}, "prefix", "needs the argument prefix: string"),
        ({"prefix": "", "wrong": 1}, "wrong", "no argument 'wrong'; it takes prefix, limit"),
        ({"prefix": 1}, "prefix", "argument prefix does not fit; give: string"),
        ({"prefix": None}, "prefix", "does not fit"),
        ({"prefix": "", "limit": "7"}, "limit", "whole number"),
        ({"prefix": "", "limit": 7.5}, "limit", "whole number"),
        ({"prefix": "", "limit": 1e300}, "limit", "whole number"),
        ({"prefix": "", "limit": True}, "limit", "whole number"),
        ({"prefix": "", "share": "x"}, "share", "number"),
        ({"prefix": "", "dry": 1}, "dry", "boolean"),
        ({"prefix": "", "colour": "BLUE"}, "colour", "one of 'RED', 'GREEN'"),
        ({"prefix": "", "colour": 1}, "colour", "one of"),
        ({"prefix": "", "how": True}, "how", "one of 'soft', 2"),
        ({"prefix": "", "names": "a"}, "names", "list"),
        ({"prefix": "", "names": ["a", 1]}, "names", r"names\[1\] does not fit"),
        ({"prefix": "", "names": ["a"] * 10_001}, "names", "at most 10000"),
        ({"prefix": "", "context": {}}, "context", "no argument 'context'"),
    ],
)
def test_wrong_arguments(
    client: Any, host: Host, arguments: dict[str, Any], field: str, text: str
) -> None:
    host.run("seen.clear()")
    with pytest.raises(InvalidRequest, match=text) as raised:
        client.invoke_operation("cache.clear", arguments)
    assert raised.value.details["field"] == f"arguments.{field}"
    assert host.run("answer = seen") == {}


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_numbers_that_are_none(host: Host, operator: Identity, number: str) -> None:
    arguments = struct_pb2.Struct(
        fields={
            "prefix": struct_pb2.Value(string_value=""),
            "limit": struct_pb2.Value(number_value=float(number)),
        }
    )
    request = operations_pb2.InvokeOperationRequest(operation="cache.clear", arguments=arguments)
    with pytest.raises(grpc.RpcError) as raised:
        list(host.stub(operator).InvokeOperation(request, timeout=120))
    assert status_of(raised.value).reason == "INVALID_REQUEST"


@pytest.mark.parametrize("seconds", [0, -1, 61, 10**9])
def test_bad_time_limits(host: Host, operator: Identity, seconds: int) -> None:
    request = operations_pb2.InvokeOperationRequest(
        operation="cache.raises", time_limit=Duration(seconds=seconds)
    )
    with pytest.raises(grpc.RpcError) as raised:
        list(host.stub(operator).InvokeOperation(request, timeout=120))
    assert status_of(raised.value).reason == "INVALID_REQUEST"


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


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ("def f(x): pass", "has no type"),
        ("def f(*x: int): pass", "cannot be given by name"),
        ("def f(x: int, /): pass", "cannot be given by name"),
        ("def f(x: dict): pass", "a type that callers cannot give"),
        ("def f(x: int | str): pass", "a type that callers cannot give"),
        ("def f(x: 'Nowhere'): pass", "cannot read the types of its parameters"),
    ],
)
def test_functions_that_are_not_fit(host: Host, definition: str, text: str) -> None:
    with pytest.raises(HostError, match=text):
        host.run(f"@ops_service.operation('unfit')\n{definition}")


def test_names_that_are_not_fit(host: Host) -> None:
    for name in ("", "a b", "a..b", "1a", "x" * 201):
        with pytest.raises(HostError, match="choose a name"):
            host.run(f"@ops_service.operation({name!r})\ndef f(): pass")
    with pytest.raises(HostError, match=r"cache\.clear is already registered"):
        host.run("@ops_service.operation('cache.clear')\ndef other(): pass")
    # The module is loaded again.
    host.run(APPLICATION)
