"""opsctl ps"""

from __future__ import annotations

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.terminal import as_json, say_json, say_table, seconds, size
from ops_service.v1 import workers_pb2


@command
async def ps(
    connection: Connection,
    json: Json = False,
) -> None:
    """Show the workers of the application that have a port."""
    async with connection.open() as client:
        reply = await client.list_workers()
    if json:
        say_json(as_json(reply))
        return
    say_table(
        ["slot", "pid", "resident", "up", "state", "address", "role"],
        [
            (
                str(each.slot),
                str(each.process.pid),
                size(each.resident_bytes) if each.resident_bytes else "not known",
                seconds(each.service_uptime.ToTimedelta().total_seconds()),
                _state(each),
                each.address,
                each.role,
            )
            for each in reply.workers
        ],
    )


def _state(worker: workers_pb2.Worker) -> str:
    if worker.stale:
        return "gone"
    return "answered" if worker.answered else "runs"
