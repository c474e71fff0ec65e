"""opsctl memory show"""

from __future__ import annotations

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.memory_parts import PARTS, part_size, reasons
from ops_client.cli.terminal import as_json, complain, say, say_json, say_table, seconds, size
from ops_service.v1 import memory_pb2


@command
async def show(
    connection: Connection,
    json: Json = False,
) -> None:
    """Show where the memory of the process is."""
    async with connection.open() as client:
        reply = await client.get_memory()
    if json:
        say_json(as_json(reply))
        return
    say_table(["size", "memory"], [(part_size(reply.parts, field), name) for field, name in PARTS])
    for reason in reasons(reply.parts):
        say(reason)
    say("")
    _say_objects(reply.live_objects)


def _say_objects(objects: memory_pb2.LiveObjects) -> None:
    if objects.state != memory_pb2.PART_STATE_KNOWN:
        say(f"Unknown: live objects. {objects.reason}")
        return
    say_table(
        ["count", "size", "beside it", "live objects"],
        [
            (
                f"{each.count:,}",
                ("~" if each.size_estimated else "") + size(each.total_size),
                size(each.extra_size),
                _kind(each.kind),
            )
            for each in objects.kinds
        ],
    )
    pause = seconds(objects.clone_pause.ToTimedelta().total_seconds())
    say(
        f"{objects.object_count:,} objects, {size(objects.total_size)} and "
        f"{size(objects.extra_size)} beside it, which lie partly in Python's small objects and "
        f"partly in malloc. The process stood still for {pause}."
    )
    for warning in objects.warnings:
        complain(warning)


def _kind(kind: memory_pb2.ObjectKind) -> str:
    name = memory_pb2.ObjectKind.Name(kind)
    return name.removeprefix("OBJECT_KIND_").lower().replace("_", " ")
