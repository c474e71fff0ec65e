"""opsctl heap summary"""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from ops_client.cli.command import AllowPause, IncludeOpsService, Json, command
from ops_client.cli.connection import Connection, without_file
from ops_client.cli.graph_file import read
from ops_client.cli.terminal import (
    as_json,
    complain,
    progress_bar,
    say,
    say_json,
    say_table,
    seconds,
    size,
)
from ops_service.v1 import heap_pb2

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration


class Order(StrEnum):
    """Sort key of the types."""

    SIZE = "size"
    COUNT = "count"


_ORDERS = {
    Order.SIZE: heap_pb2.HEAP_SUMMARY_ORDER_SIZE,
    Order.COUNT: heap_pb2.HEAP_SUMMARY_ORDER_COUNT,
}


@command
async def summary(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="A file from `heap capture`. Default: the live process."
        ),
    ] = None,
    connection: Connection | None = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of types.")] = 20,
    by: Annotated[Order, typer.Option(help="Sort by this, greatest first.")] = Order.SIZE,
    allow_pause: AllowPause = False,
    hash_strings: Annotated[
        bool,
        typer.Option(
            "--hash-strings",
            help="Also count equal strings of the live process, from a temporary capture. "
            "Needs READ_HEAP and READ_CONTENT. For a FILE, its capture decides.",
        ),
    ] = False,
    include_ops_service: IncludeOpsService = False,
    json: Json = False,
) -> None:
    """Count live objects and their bytes by type, and equal strings if they are hashed."""
    if file is not None:
        if hash_strings:
            raise typer.BadParameter(
                "--hash-strings is for a live process; a FILE has hashes if it comes from "
                "`opsctl heap capture --hash-strings`."
            )
        _summarize(file, limit, by, include_ops_service=include_ops_service, json=json)
        return
    live = without_file(connection)
    if hash_strings and allow_pause:
        raise typer.BadParameter("--hash-strings always clones the process; omit --allow-pause.")
    if hash_strings:
        with TemporaryDirectory(prefix="opsctl-") as directory:
            captured = Path(directory) / "live.heap"
            pause = await _capture(live, captured)
            _summarize(captured, limit, by, include_ops_service=include_ops_service, json=json)
        if not json:
            say(f"The process stood still for {_pause(pause)}.")
        return
    async with live.open() as client:
        reply = await client.summarize_heap(
            limit=limit,
            order=_ORDERS[by],
            allow_pause=allow_pause,
            include_ops_service=include_ops_service,
        )
    if json:
        say_json(as_json(reply))
        return
    _say_live(reply)


async def _capture(live: Connection, path: Path) -> Duration:
    """Capture with hashed strings. Returns the pause of the process."""
    with progress_bar("Capturing") as advance:
        async with live.open() as client:
            snapshot = await client.capture_heap_snapshot(
                path,
                hash_strings=True,
                progress=lambda now: advance(now.object_count, now.expected_object_count),
            )
    return snapshot.trailer.clone_pause


def _say_live(reply: heap_pb2.SummarizeHeapResponse) -> None:
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
    say(f"{total}. The process stood still for {_pause(reply.clone_pause)}.")
    for warning in reply.warnings:
        complain(warning)


def _pause(duration: Duration) -> str:
    return seconds(duration.ToTimedelta().total_seconds())


def _summarize(file: Path, limit: int, by: Order, *, include_ops_service: bool, json: bool) -> None:
    from ops_client.heap_graph import PathFinder, count_types, find_duplicates

    graph = read(file)
    rows = count_types(graph, include_ops_service=include_ops_service)
    if by is Order.COUNT:
        rows.sort(key=lambda row: -row.count)
    duplicates, wasted = find_duplicates(graph, limit, include_ops_service=include_ops_service)
    # Without hashed strings there are no duplicates to find paths to.
    finder = PathFinder(graph) if duplicates else None
    paths = [finder.text(finder.to(each.object_index)) for each in duplicates] if finder else []
    count, total = sum(row.count for row in rows), sum(row.size for row in rows)
    if json:
        say_json(
            {
                "object_count": count,
                "edge_count": graph.edge_count,
                "total_size": total,
                "types": [asdict(row) for row in rows[:limit]],
                "duplicates": [
                    {**asdict(each), "path": path}
                    for each, path in zip(duplicates, paths, strict=True)
                ],
                "wasted_size": wasted,
            }
        )
        return
    say_table(
        ["count", "size", "type"],
        [
            (f"{row.count:,}", ("~" if row.size_estimated else "") + size(row.size), row.type_name)
            for row in rows[:limit]
        ],
    )
    if duplicates:
        say("")
        say_table(
            ["copies", "of", "wasted", "equal strings, and the place of one of them"],
            [
                (
                    f"{each.count:,}",
                    size(each.size),
                    size(each.wasted_size),
                    path if each.literal is None else f"{each.literal}  in {path}",
                )
                for each, path in zip(duplicates, paths, strict=True)
            ],
        )
        say(f"Equal strings waste {size(wasted)} in total.")
    say(f"{count:,} objects of {len(rows):,} types, {size(total)}.")
