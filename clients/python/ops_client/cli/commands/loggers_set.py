"""opsctl loggers set"""

from __future__ import annotations

from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.terminal import as_json, say, say_json


@command
async def set_(
    connection: Connection,
    logger: Annotated[str, typer.Argument(help='An existing logger; "root" is the root.')],
    level: Annotated[
        str, typer.Argument(help="A name such as DEBUG, or a number. Omit it to undo the change.")
    ] = "",
    restore_after: Annotated[
        float,
        typer.Option(
            "--for", min=1, max=86_400, metavar="SECONDS", help="Restore the level after this time."
        ),
    ] = 600.0,
    json: Json = False,
) -> None:
    """Set the level of a logger for a while, or undo that."""
    async with connection.open() as client:
        reply = await client.set_log_level(logger, level, restore_after=restore_after)
    if json:
        say_json(as_json(reply))
        return
    until = ""
    if reply.HasField("restore_time"):
        until = f", until {reply.restore_time.ToDatetime():%H:%M:%S} UTC"
    say(f"{reply.after.name}: {reply.before.level} -> {reply.after.level}{until}")
