"""Every command of opsctl with its options, from the application itself."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from docs_site.markdown import code, prose, table
from ops_client.cli.app import app

CONNECTION = ("target", "ca", "cert", "key", "server_name")
"""What every command takes that calls a server; listed once."""

_WORDS: dict[object, str] = {int: "NUMBER", float: "NUMBER", Path: "FILE"}


@dataclass(frozen=True)
class Command:
    """One command, such as ``heap capture``."""

    name: str
    group_text: str
    """What the help of its group says, "" for a command without one."""
    text: str
    usage: str
    parameters: tuple[Any, ...]
    """As Typer made them of the function's parameters."""
    types: dict[str, Any]
    """The types of the function's parameters, by name."""

    @property
    def connects(self) -> bool:
        return any(each.name == CONNECTION[0] for each in self.parameters)

    def rows(self, *, of_connection: bool) -> list[tuple[str, str, str, str]]:
        """A row for each option, either of those for the connection or of the others."""
        return [
            _option(each, self.types[each.name])
            for each in self.parameters
            if (self.connects and each.name in CONNECTION) == of_connection
        ]


def read_commands() -> list[Command]:
    """All commands, in the order in which the help lists them."""
    group = typer.main.get_command(app)
    return list(_commands(group, "opsctl", ""))


def _commands(group: Any, path: str, text: str) -> Iterator[Command]:
    for name in group.list_commands(_context(group, path)):
        command = group.commands[name]
        whole = f"{path} {name}"
        if hasattr(command, "commands"):
            yield from _commands(command, whole, command.help)
            continue
        context = _context(command, whole)
        usage = " ".join([whole, *command.collect_usage_pieces(context)])
        yield Command(
            name=whole.removeprefix("opsctl "),
            group_text=text,
            text=prose(inspect.cleandoc(command.help or "")),
            usage=usage,
            parameters=tuple(each for each in command.params if each.name != "help"),
            types=typing.get_type_hints(command.callback),
        )


def _context(command: Any, path: str) -> Any:
    return command.context_class(command, info_name=path)


def _option(parameter: Any, kind: Any) -> tuple[str, str, str, str]:
    """Its name, what it takes, its default and its help."""
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        names = [str(parameter.metavar or parameter.name.upper()).strip("[].")]
    text = parameter.help or ""
    if variable := getattr(parameter, "envvar", None):
        text = f"{text} Variable: `{variable}`."
    return ", ".join(map(code, names)), _takes(parameter, kind), _default(parameter), text


def _takes(parameter: Any, kind: Any) -> str:
    if getattr(parameter, "is_flag", False):
        return ""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = typing.get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(code(each.value) for each in kind)
    words = (
        []
        if parameter.param_type_name == "argument"
        else [code(parameter.metavar or _WORDS.get(kind, "TEXT"))]
    )
    low, high = (getattr(parameter, name, None) for name in ("min", "max"))
    if low is not None:
        words.append(f"{low:,g} to {high:,g}" if high is not None else f"from {low:,g}")
    return ", ".join(words)


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    if value in (None, "", False, (), [], Path()):
        return ""
    return code(str(value.value if isinstance(value, Enum) else value))


_COLUMNS = ("option or argument", "takes", "default", "meaning")


def connection_options() -> str:
    """The table of what every command takes that calls a server."""
    first = next(each for each in read_commands() if each.connects)
    return table(_COLUMNS, first.rows(of_connection=True))


def commands() -> str:
    """A section for each command."""
    parts = []
    for each in read_commands():
        parts.append(f"### opsctl {each.name}\n\n{each.text}\n")
        parts.append(f"```text\n{each.usage}\n```\n")
        parts.append(table(_COLUMNS, each.rows(of_connection=False)))
        if each.connects:
            parts.append("It takes the [options of a connection](#options-of-a-connection), too.\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts))
