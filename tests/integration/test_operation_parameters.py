"""The parameters of operations: their schema, and arguments that fit or do not."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from fix_certs import CertificateAuthority, Identity, uri
from fix_client import Connect, credentials_of
from fix_host import Host, HostError, StartHost
from fix_operations import APPLICATION, OPERATOR, start_operations
from fix_status import status_of
from google.protobuf import json_format, struct_pb2
from google.protobuf.duration_pb2 import Duration

from ops_client.errors import InvalidRequest
from ops_service.v1 import operations_pb2

COMPLETED = operations_pb2.OPERATION_OUTCOME_COMPLETED


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost) -> Host:
    return start_operations(start_shared_host)


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
