"""opsctl heap fetch"""

from __future__ import annotations

from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.snapshot import SnapshotFile, say_snapshot
from ops_client.cli.terminal import progress_bar


@command
async def fetch(
    snapshot_id: Annotated[
        str, typer.Argument(metavar="SNAPSHOT", help="Snapshot id, as in `opsctl heap list`.")
    ],
    connection: Connection,
    output: SnapshotFile,
    json: Json = False,
) -> None:
    """Download a stored snapshot, or resume a broken download."""
    with progress_bar("Fetching") as advance:
        async with connection.open() as client:
            snapshot = await client.fetch_snapshot(
                snapshot_id,
                output,
                progress=lambda now: advance(now.object_count, now.expected_object_count),
            )
    say_snapshot(snapshot, "Fetched", json=json)
