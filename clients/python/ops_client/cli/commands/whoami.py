"""opsctl whoami"""

from __future__ import annotations

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.terminal import as_json, say_facts, say_json
from ops_service.v1 import annotations_pb2


@command
async def whoami(
    connection: Connection,
    json: Json = False,
) -> None:
    """Show who you are to the server, and what you may do."""
    async with connection.open() as client:
        reply = await client.get_principal()
    if json:
        say_json(as_json(reply))
        return
    capabilities = [
        annotations_pb2.Capability.Name(each).removeprefix("CAPABILITY_")
        for each in reply.capabilities
    ]
    say_facts(
        {
            "principal": reply.principal or f"none: {reply.principal_problem}",
            "capabilities": ", ".join(capabilities) or "none",
            "process": f"{reply.process.pid} on {reply.process.host_name}",
            "instance": reply.process.instance_id,
        }
    )
