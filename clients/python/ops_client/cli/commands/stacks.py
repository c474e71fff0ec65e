"""opsctl stacks"""

from __future__ import annotations

from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.terminal import as_json, complain, printable, say_json


@command
async def stacks(
    connection: Connection,
    distance: Annotated[
        float,
        typer.Option(
            min=0, max=60, metavar="SECONDS", help="Time between two samples; 0 takes one."
        ),
    ] = 1.0,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="Maximum number of groups.")
    ] = 1000,
    include_ops_service: Annotated[
        bool,
        typer.Option("--include-ops-service", help="Also show the service's threads and tasks."),
    ] = False,
    folded: Annotated[
        bool, typer.Option("--folded", help="Print one line per stack, for flame graphs.")
    ] = False,
    json: Json = False,
) -> None:
    """Show the stacks of all threads, asyncio tasks and greenlets."""
    async with connection.open() as client:
        found = await client.capture_stacks(
            sample_distance=distance, limit=limit, include_ops_service=include_ops_service
        )
    if json:
        say_json(
            {
                "header": as_json(found.header),
                "groups": [as_json(group) for group in found.groups],
                "trailer": as_json(found.trailer),
            }
        )
        return
    print(printable(found.folded() if folded else found.text(), keep="\n"), end="")
    for warning in found.trailer.warnings:
        complain(warning)
