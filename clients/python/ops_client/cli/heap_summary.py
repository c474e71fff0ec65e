"""opsctl heap summary"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ops_client.cli.command import (
    AllowPause,
    Ca,
    Cert,
    Json,
    Key,
    ServerName,
    Target,
    command,
    connect,
)
from ops_client.cli.terminal import as_json, complain, say, say_json, say_table, seconds, size
from ops_service.v1 import heap_pb2


class Order(StrEnum):
    """What types are sorted by."""

    SIZE = "size"
    COUNT = "count"


_ORDERS = {
    Order.SIZE: heap_pb2.HEAP_SUMMARY_ORDER_SIZE,
    Order.COUNT: heap_pb2.HEAP_SUMMARY_ORDER_COUNT,
}


@command
async def summary(
    target: Target,
    ca: Ca,
    cert: Cert = None,
    key: Key = None,
    server_name: ServerName = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many types.")] = 20,
    by: Annotated[Order, typer.Option(help="What comes first.")] = Order.SIZE,
    allow_pause: AllowPause = False,
    json: Json = False,
) -> None:
    """Count live objects and their bytes by type."""
    async with connect(target, ca, cert, key, server_name) as client:
        reply = await client.summarize_heap(limit=limit, order=_ORDERS[by], allow_pause=allow_pause)
    if json:
        say_json(as_json(reply))
        return
    has_sizes = reply.method != heap_pb2.CENSUS_METHOD_OBJGRAPH
    say_table(
        ["count", "size", "type"],
        [
            (
                f"{each.count:,}",
                ("~" if each.size_estimated else "") + size(each.total_size) if has_sizes else "-",
                each.type_name,
            )
            for each in reply.types
        ],
    )
    total = f"{reply.object_count:,} objects of {reply.type_count:,} types"
    if has_sizes:
        total += f", {size(reply.total_size)}"
    pause = seconds(reply.clone_pause.ToTimedelta().total_seconds())
    say(f"{total}. The process stood still for {pause}.")
    for warning in reply.warnings:
        complain(warning)
