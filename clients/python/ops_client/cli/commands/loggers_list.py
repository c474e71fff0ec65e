"""opsctl loggers list"""

from __future__ import annotations

from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.terminal import as_json, say, say_json, say_table
from ops_service.v1 import loggers_pb2


@command
async def list_(
    connection: Connection,
    prefix: Annotated[str, typer.Argument(help="List only loggers with this prefix.")] = "",
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="Maximum number of loggers.")
    ] = 1000,
    json: Json = False,
) -> None:
    """Show the loggers of the process and their levels."""
    async with connection.open() as client:
        reply = await client.list_loggers(prefix=prefix, limit=limit)
    if json:
        say_json(as_json(reply))
        return
    say_table(
        ["level", "effective", "handlers", "logger"],
        [
            (each.level, each.effective_level, str(each.handler_count), _name(each))
            for each in reply.loggers
        ],
    )
    if len(reply.loggers) < reply.logger_count:
        say(f"{len(reply.loggers)} of {reply.logger_count} loggers; see --limit.")


def _name(logger: loggers_pb2.LoggerState) -> str:
    notes = [
        *(["set for a while"] if logger.changed else []),
        *(["disabled"] if logger.disabled else []),
        *([] if logger.propagates or logger.name == "root" else ["does not propagate"]),
    ]
    return f"{logger.name} ({', '.join(notes)})" if notes else logger.name
