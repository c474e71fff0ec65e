"""Groups of commands that load a command on first use.

Together the commands import gRPC, prompt_toolkit, cryptography and Rich. That takes
longer than most commands run.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import typer
from typer.core import TyperGroup


def lazy_group(text: str, commands: Mapping[str, str]) -> typer.Typer:
    """Make a group of commands.

    Args:
        text: Help text of the group.
        commands: For each command name, a module of ``ops_client.cli.commands`` and
            a function in it, such as ``"heap_convert:convert"``.
    """

    class Group(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands = _Commands(commands, self.commands)

    return typer.Typer(cls=Group, help=text, no_args_is_help=True, **_OPTIONS)


# Without Rich's markup in help, usage errors are plain lines too.
_OPTIONS: dict[str, Any] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "add_completion": False,
}


class _Commands(MutableMapping[str, Any]):
    """Commands by name: first those that load on first use, then the others."""

    def __init__(self, places: Mapping[str, str], loaded: Mapping[str, Any]) -> None:
        self._places = places
        self._loaded = {**dict.fromkeys(places), **loaded}

    def __getitem__(self, name: str) -> Any:
        found = self._loaded[name]
        if found is None:
            found = self._loaded[name] = _load(name, self._places[name])
        return found

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)


def _load(name: str, place: str) -> Any:
    module, function = place.split(":")
    try:
        found = getattr(importlib.import_module(f"ops_client.cli.commands.{module}"), function)
    except KeyboardInterrupt:
        # Typer would report an abort and exit with 1.
        sys.exit(130)
    alone = typer.Typer(**_OPTIONS)
    alone.command(name)(found)
    return typer.main.get_command(alone)
