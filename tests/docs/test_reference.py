"""The built reference has every call, key, command, error and exit code.

The test reads the expected items from the running code, not through the generator. So it
finds out if the generator overlooks something.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from built_site import read_page
from docs_site.python_names import documented_elsewhere

import ops_client
import ops_service
from ops_client import errors as client_errors
from ops_client.cli.app import app
from ops_client.cli.exit_codes import ExitCode
from ops_service import Config
from ops_service import errors as host_errors
from ops_service.gate.methods import known_methods, required_capability
from ops_service.v1 import annotations_pb2, maintenance_service_pb2

SERVICE = maintenance_service_pb2.DESCRIPTOR.services_by_name["MaintenanceService"]
ERRORS = [
    kind
    for _, kind in inspect.getmembers(host_errors, inspect.isclass)
    if issubclass(kind, host_errors.OpsServiceError)
]


def keys() -> Iterator[tuple[str, str, str]]:
    """Each key of the file: its table, its name, and its default if that is plain."""
    hints = typing.get_type_hints(Config)
    for field in dataclasses.fields(Config):
        if not field.metadata.get("in_file", True):
            continue
        kinds = (hints[field.name], *typing.get_args(hints[field.name]))
        (table,) = (each for each in kinds if dataclasses.is_dataclass(each))
        for key in dataclasses.fields(table):
            default = str(key.default) if type(key.default) in (int, float) else ""
            yield field.name, key.name, default


def commands(group: Any, path: str = "opsctl") -> Iterator[tuple[str, Any]]:
    """Each command of opsctl by its whole name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(commands(typer.main.get_command(app)))


def section(page: str, heading: str, *, level: int = 2) -> str:
    """The text of a page below a heading, up to the next heading."""
    text = read_page(page).text
    assert f"\n{heading}¶\n" in text, f"{page} has no section {heading}"
    return text.partition(f"\n{heading}¶\n")[2].partition("¶\n")[0]


@pytest.mark.parametrize("method", [each.name for each in SERVICE.methods])
def test_a_call(method: str) -> None:
    said = section("reference/calls", method)
    capability = required_capability(SERVICE.methods_by_name[method])
    assert f"Capability: {capability}" in said
    for fact in ("Caller: ", "Cost to the host: ", "Request: ", "Response: ", "Errors: "):
        (text,) = (line.partition(fact)[2] for line in said.splitlines() if line.startswith(fact))
        assert text.strip(), fact


def test_the_capabilities() -> None:
    said = section("reference/calls", "Capabilities")
    names = [name.removeprefix("CAPABILITY_") for name in annotations_pb2.Capability.keys()[1:]]
    assert [name for name in names if name not in said] == []


def test_the_fields_of_every_request_and_response() -> None:
    page = read_page("reference/messages")
    rows = {row[0] for row in page.rows if row}
    for method in SERVICE.methods:
        for message in (method.input_type, method.output_type):
            assert message.name in page.code
            assert {each.name for each in message.fields} <= rows


@pytest.mark.parametrize(("table", "key", "default"), list(keys()))
def test_a_key(table: str, key: str, default: str) -> None:
    page = read_page("reference/configuration")
    assert {f"[{table}]", f"[[{table}]]"} & page.code
    (row,) = (row for row in rows_of_table(table) if row[0] == key)
    _, kind, shown, meaning = row
    assert kind
    assert shown
    assert default in shown
    assert meaning


def rows_of_table(table: str) -> list[list[str]]:
    """The rows of a configuration table, below its heading."""
    page = read_page("reference/configuration")
    starts = [index for index, row in enumerate(page.rows) if (row and row[0] == "") or not row]
    order = [name for name, _, _ in keys()]
    number = list(dict.fromkeys(order)).index(table)
    ends = [*starts[1:], len(page.rows)]
    return page.rows[starts[number] + 1 : ends[number]]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command(name: str) -> None:
    said = section("reference/opsctl", name)
    shared = section("reference/opsctl", "Options of a connection")
    assert inspect.cleandoc(COMMANDS[name].help).split("\n")[0] in said
    for parameter in COMMANDS[name].params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert all(each in said + shared for each in parameter.opts)


@pytest.mark.parametrize("code", list(ExitCode), ids=lambda each: each.name)
def test_an_exit_code(code: ExitCode) -> None:
    found = [row for row in read_page("reference/opsctl").rows if row[:1] == [str(code.value)]]
    assert [row[1] for row in found] == [code.name]
    assert found[0][2]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda each: each.reason)
def test_an_error(kind: type[host_errors.OpsServiceError]) -> None:
    said = section("reference/errors", kind.reason)
    for fact in ("Remedy: ", "gRPC status: ", "Calls: "):
        (text,) = (line.partition(fact)[2] for line in said.splitlines() if line.startswith(fact))
        assert len(text) > 3, fact
    assert kind.__name__ in said


@pytest.mark.parametrize("kind", ERRORS, ids=lambda each: each.reason)
def test_an_error_names_calls_that_there_are(kind: type[host_errors.OpsServiceError]) -> None:
    (line,) = (
        line.partition("Calls: ")[2]
        for line in section("reference/errors", kind.reason).splitlines()
        if line.startswith("Calls: ")
    )
    if not line.startswith(("Every one", "None")):
        named = line.rstrip(".").split(", ")
        assert set(named) <= {method.name for method in SERVICE.methods}
        for name in named:
            assert kind.reason in section("reference/calls", name)


def test_calls_whose_record_comes_first_say_so() -> None:
    first = {each.name for each in known_methods().values() if each.audit_first}
    said = {
        method.name
        for method in SERVICE.methods
        if "AUDIT_UNAVAILABLE" in section("reference/calls", method.name)
    }
    assert said == first


def test_the_names_of_the_client() -> None:
    ids = read_page("reference/python-client").ids
    assert {f"ops_client.{name}" for name in ops_client.__all__} <= ids
    methods = inspect.getmembers(ops_client.MaintenanceClient, inspect.isfunction)
    public = {name for name, _ in methods if not name.startswith("_")}
    assert {f"ops_client.MaintenanceClient.{name}" for name in public} <= ids
    kinds = inspect.getmembers(client_errors, inspect.isclass)
    own = {name for name, kind in kinds if kind.__module__ == client_errors.__name__}
    assert {f"ops_client.errors.{name}" for name in own} <= ids


def test_the_names_of_the_host() -> None:
    ids = read_page("reference/python-host").ids
    left_out = {name for name in ops_service.__all__ if documented_elsewhere(name)}
    assert {f"ops_service.{name}" for name in set(ops_service.__all__) - left_out} <= ids
    # The page of the configuration and the page of errors have those.
    configured = {"Grant", "Config"} | {name for name in left_out if name.endswith("Config")}
    assert left_out - configured <= {kind.__name__ for kind in ERRORS}
