"""The tree of opsctl's commands, and each command's options."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.testing import CliRunner

from ops_client.cli import commands
from ops_client.cli.app import app
from ops_client.cli.command import command
from ops_client.cli.connection import Connection, without_file

CONNECTION = ["target", "ca", "cert", "key", "server_name"]
# These work on files. They connect at most if they get no file.
ON_FILES = {
    "audit verify",
    "certs init",
    "heap convert",
    "heap diff",
    "heap export",
    "heap path",
    "heap query",
    "heap report",
    "heap retained",
    "heap suspects",
    "heap summary",
}


def all_commands() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, each in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        below = getattr(each, "commands", None)
        if below is None:
            found[name] = each
        else:
            found |= {f"{name} {inner}": below[inner] for inner in below}
    return found


def made(function: Any) -> typer.Typer:
    alone = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    alone.command()(command(function))
    return alone


def test_each_file_is_one_command() -> None:
    files = {each.stem for each in Path(str(commands.__file__)).parent.glob("[!_]*.py")}
    modules = [each.callback.__module__ for each in all_commands().values()]
    assert sorted(modules) == sorted(f"{commands.__name__}.{each}" for each in files)


def test_commands_that_call_the_port_take_one_connection() -> None:
    for name, each in all_commands().items():
        parameters = {parameter.name: parameter for parameter in each.params}
        if name in ON_FILES - {"heap path", "heap summary"}:
            assert not parameters.keys() & {"ca", "cert"}, name
            continue
        assert [one for one in parameters if one in CONNECTION] == CONNECTION, name
        is_needed = name not in ON_FILES
        assert [parameters[one].required for one in CONNECTION] == [
            is_needed,
            is_needed,
            False,
            False,
            False,
        ], name


def test_each_module_loads_its_command_alone() -> None:
    # An import cycle may fail in one order and not in another.
    for each in all_commands().values():
        assert import_module(each.callback.__module__).__doc__.startswith("opsctl ")


def test_options_become_the_connection_that_the_command_asked_for() -> None:
    got: list[Any] = []

    async def show(
        name: Annotated[str, typer.Argument()],
        connection: Connection,
        limit: Annotated[int, typer.Option()] = 3,
    ) -> None:
        got.append((name, connection, limit))

    ran = CliRunner().invoke(
        made(show),
        ["one", "--target", "127.0.0.1:1", "--ca", "ca.pem", "--server-name", "shop"],
        env={"OPSCTL_CERT": "own.pem"},
    )
    assert ran.exit_code == 0, ran.output
    connection = Connection("127.0.0.1:1", Path("ca.pem"), Path("own.pem"), None, "shop")
    assert got == [("one", connection, 3)]


def test_a_connection_that_may_be_left_out_is_none_unless_it_is_whole() -> None:
    got: list[Connection | None] = []

    def show(connection: Connection | None = None) -> None:
        got.append(connection)
        without_file(connection)

    for arguments in ([], ["--target", "127.0.0.1:1"], ["--ca", "ca.pem"]):
        ran = CliRunner().invoke(made(show), arguments, env={"OPSCTL_CA": "", "OPSCTL_TARGET": ""})
        assert ran.exit_code == 2
        assert "--target and --ca" in ran.output
    assert got == [None, None, None]
    ran = CliRunner().invoke(made(show), ["--target", "127.0.0.1:1", "--ca", "ca.pem"])
    assert ran.exit_code == 0, ran.output
    assert got[-1] == Connection("127.0.0.1:1", Path("ca.pem"))
