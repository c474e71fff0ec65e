"""opsctl ops list"""

from __future__ import annotations

from ops_client._operation import plain_value
from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.terminal import as_json, say, say_json
from ops_service.v1 import operations_pb2


@command
async def list_(
    connection: Connection,
    json: Json = False,
) -> None:
    """Show the operations that the application offers."""
    async with connection.open() as client:
        reply = await client.list_operations()
    if json:
        say_json(as_json(reply))
        return
    if not reply.operations:
        say("The application offers no operations.")
    for each in reply.operations:
        note = "" if each.allowed else "  (no grant of yours lists it)"
        say(f"{each.name} {' '.join(map(_parameter, each.parameters))}".rstrip() + note)
        for line in each.description.splitlines():
            say(f"    {line}")


def _parameter(parameter: operations_pb2.OperationParameter) -> str:
    kind = operations_pb2.OperationValueKind.Name(parameter.kind)
    text = kind.removeprefix("OPERATION_VALUE_KIND_").lower()
    if parameter.choices:
        text = "|".join(str(plain_value(each)) for each in parameter.choices)
    if parameter.is_list:
        text = f"[{text}, …]"
    if parameter.nullable:
        text += "|null"
    shown = f"{parameter.name}={text}"
    return shown if parameter.required else f"[{shown}]"
