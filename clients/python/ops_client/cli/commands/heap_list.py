"""opsctl heap list"""

from __future__ import annotations

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.terminal import as_json, complain, say, say_json, say_table, size
from ops_service.v1 import store_pb2


@command
async def list_snapshots(
    connection: Connection,
    json: Json = False,
) -> None:
    """List the snapshots in the process's store."""
    async with connection.open() as client:
        reply = await client.list_snapshots()
    if json:
        say_json(as_json(reply))
        return
    if reply.snapshots:
        say_table(
            ["size", "pid", "captured (UTC)", "of", "state", "snapshot"],
            [
                (
                    size(each.byte_count),
                    str(each.process.pid or "-"),
                    _time(each),
                    "this process" if _is_own(each, reply) else each.process.instance_id,
                    _state(each),
                    each.snapshot_id,
                )
                for each in reply.snapshots
            ],
        )
    say(
        f"{len(reply.snapshots)} snapshots; the store holds {size(reply.used_bytes)} of "
        f"{size(reply.max_bytes)}."
    )
    for warning in reply.warnings:
        complain(warning)


def _is_own(each: store_pb2.StoredSnapshot, reply: store_pb2.ListSnapshotsResponse) -> bool:
    return each.process.instance_id == reply.process.instance_id


def _time(each: store_pb2.StoredSnapshot) -> str:
    if not each.HasField("capture_time"):
        return "-"
    return each.capture_time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S")


def _state(each: store_pb2.StoredSnapshot) -> str:
    name = store_pb2.StoredSnapshotState.Name(each.state)
    return name.removeprefix("STORED_SNAPSHOT_STATE_").lower()
