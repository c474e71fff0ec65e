"""The connection of a command, and its options.

A command declares a parameter of type `Connection`. `expand_connection` replaces that
parameter with the options, so all commands have the same ones. A command that also
reads files declares `Connection | None`: its options may be omitted.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

# gRPC and asyncio take longer to load than commands on files take to run.
if TYPE_CHECKING:
    from ops_client import AsyncMaintenanceClient


@dataclass(frozen=True, slots=True)
class Connection:
    """Address of the port, and credentials of the caller. Each field is an option."""

    target: Annotated[
        str,
        typer.Option(
            "--target", envvar="OPSCTL_TARGET", metavar="HOST:PORT", help="The maintenance port."
        ),
    ]
    ca: Annotated[
        Path,
        typer.Option(
            "--ca",
            envvar="OPSCTL_CA",
            metavar="FILE",
            help="Certificate of the server's CA, in PEM.",
        ),
    ]
    cert: Annotated[
        Path | None,
        typer.Option(
            "--cert", envvar="OPSCTL_CERT", metavar="FILE", help="Your own certificate, in PEM."
        ),
    ] = None
    key: Annotated[
        Path | None,
        typer.Option("--key", envvar="OPSCTL_KEY", metavar="FILE", help="Its private key, in PEM."),
    ] = None
    server_name: Annotated[
        str,
        typer.Option(
            "--server-name",
            envvar="OPSCTL_SERVER_NAME",
            metavar="NAME",
            help="Name in the server's certificate, if it is not the target's host.",
        ),
    ] = ""

    def open(self) -> AsyncMaintenanceClient:
        """Return a client that calls the port."""
        from ops_client import AsyncMaintenanceClient, ClientCredentials

        credentials = ClientCredentials(self.ca, self.cert, self.key, self.server_name)
        return AsyncMaintenanceClient(self.target, credentials)


def without_file(connection: Connection | None) -> Connection:
    """Return the connection of a command that got no file.

    Raises:
        typer.BadParameter: There is no connection either.
    """
    if connection is None:
        raise typer.BadParameter("give a FILE, or --target and --ca for a live process.")
    return connection


# The parameter types that stand for the connection.
_ASKS = (Connection, Connection | None)
# Defaults of the required options if the connection is optional.
_LEFT_OUT = {"target": "", "ca": Path()}
_NAMES = [field.name for field in fields(Connection)]


def expand_connection(function: Callable[..., Any]) -> Callable[..., Any]:
    """Replace the connection parameter of a command with one option per field.

    A command without a connection is returned unchanged.
    """
    hints = get_type_hints(function, include_extras=True)
    name = next((key for key, hint in hints.items() if hint in _ASKS), None)
    if name is None:
        return function
    is_optional = hints[name] != Connection

    @wraps(function)
    def run(**given: Any) -> Any:
        options = {each: given.pop(each) for each in _NAMES}
        left_out = is_optional and any(options[each] == value for each, value in _LEFT_OUT.items())
        return function(**given, **{name: None if left_out else Connection(**options)})

    parameters = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == name:
            parameters += _options(_LEFT_OUT if is_optional else {})
        else:
            parameters.append(
                parameter.replace(
                    kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name]
                )
            )
    # Typer reads both.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _options(defaults: dict[str, Any]) -> list[inspect.Parameter]:
    """Return the fields as parameters. These defaults override the fields' own."""
    hints = get_type_hints(Connection, include_extras=True)
    own = inspect.signature(Connection).parameters
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=defaults.get(name, own[name].default),
            annotation=hints[name],
        )
        for name in _NAMES
    ]
