"""opsctl memory reclaim"""

from __future__ import annotations

from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.memory_parts import PARTS, part_size, reasons
from ops_client.cli.terminal import as_json, say, say_json, say_table, seconds, size
from ops_service.v1 import memory_pb2


@command
async def reclaim(
    connection: Connection,
    collect: Annotated[
        bool, typer.Option("--collect", help="Run a full collection. It stops the process.")
    ] = False,
    trim: Annotated[
        bool, typer.Option("--trim", help="Make malloc return free memory to the system.")
    ] = False,
    json: Json = False,
) -> None:
    """Collect garbage, trim malloc, or both."""
    async with connection.open() as client:
        reply = await client.reclaim_memory(collect=collect, trim=trim)
    if json:
        say_json(as_json(reply))
        return
    say_table(
        ["before", "after", "difference", "memory"],
        [
            (
                part_size(reply.before, field),
                part_size(reply.after, field),
                _difference(reply, field),
                name,
            )
            for field, name in PARTS
        ],
    )
    for reason in dict.fromkeys((*reasons(reply.before), *reasons(reply.after))):
        say(reason)
    if reply.HasField("collection"):
        pause = seconds(reply.collection.pause.ToTimedelta().total_seconds())
        say(
            f"The collection found {reply.collection.unreachable_count:,} unreachable objects and "
            f"stopped the process for {pause}."
        )
    if reply.HasField("trim"):
        say(_trim(reply.trim))


def _difference(reply: memory_pb2.ReclaimMemoryResponse, field: str) -> str:
    before, after = (getattr(each, field) for each in (reply.before, reply.after))
    if {before.state, after.state} != {memory_pb2.PART_STATE_KNOWN}:
        return "unknown"
    change = after.bytes - before.bytes
    if field == "not_resident":
        change = -change
    return ("+" if change > 0 else "") + size(change)


def _trim(trim: memory_pb2.TrimResult) -> str:
    if trim.outcome == memory_pb2.TRIM_OUTCOME_UNSUPPORTED:
        return f"malloc cannot be trimmed here. {trim.reason}"
    took = seconds(trim.elapsed.ToTimedelta().total_seconds())
    if trim.outcome == memory_pb2.TRIM_OUTCOME_RELEASED:
        return f"The trim returned memory to the system, in {took}."
    return f"The trim found nothing to return, in {took}."
