"""opsctl heap capture"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.snapshot import SnapshotFile, say_snapshot
from ops_client.cli.terminal import progress_bar
from ops_service.v1 import heap_graph_pb2


class GcMoment(StrEnum):
    """When to capture, relative to the garbage collector."""

    NOW = "now"
    COLLECT_FIRST = "collect-first"
    AFTER_NEXT_FULL_COLLECTION = "after-next-full-collection"


_MOMENTS = {
    GcMoment.NOW: heap_graph_pb2.GC_MOMENT_NOW,
    GcMoment.COLLECT_FIRST: heap_graph_pb2.GC_MOMENT_COLLECT_FIRST,
    GcMoment.AFTER_NEXT_FULL_COLLECTION: heap_graph_pb2.GC_MOMENT_AFTER_NEXT_FULL_COLLECTION,
}


class ContentLevel(StrEnum):
    """How much of the objects' contents to include."""

    NONE = "none"
    KEYS = "keys"
    VALUES = "values"


_LEVELS = {
    ContentLevel.NONE: heap_graph_pb2.CONTENT_LEVEL_NONE,
    ContentLevel.KEYS: heap_graph_pb2.CONTENT_LEVEL_KEYS,
    ContentLevel.VALUES: heap_graph_pb2.CONTENT_LEVEL_VALUES,
}


@command
async def capture(
    connection: Connection,
    output: SnapshotFile,
    gc_moment: Annotated[
        GcMoment, typer.Option(help="When to capture. collect-first stops the process.")
    ] = GcMoment.NOW,
    gc_wait: Annotated[
        float,
        typer.Option(min=0.001, max=3600, metavar="SECONDS", help="Maximum wait for that moment."),
    ] = 60.0,
    content: Annotated[
        ContentLevel,
        typer.Option(
            help="Contents to include: none, keys of dictionaries, or values. Needs READ_CONTENT."
        ),
    ] = ContentLevel.NONE,
    content_limit: Annotated[
        int, typer.Option(min=1, max=4096, metavar="BYTES", help="Cut each content to this size.")
    ] = 64,
    hash_strings: Annotated[
        bool,
        typer.Option(
            "--hash-strings",
            help="Include a hash of each string, to count equal ones. Needs READ_CONTENT.",
        ),
    ] = False,
    max_objects: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Cut after the N objects nearest to the roots. 0 takes all."
        ),
    ] = 0,
    store: Annotated[
        bool,
        typer.Option(
            "--store",
            help="Also keep it in the process's store, so that a broken download can resume.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Capture the graph of all live objects into a file."""
    with progress_bar("Capturing") as advance:
        async with connection.open() as client:
            snapshot = await client.capture_heap_snapshot(
                output,
                gc_moment=_MOMENTS[gc_moment],
                gc_wait_limit=gc_wait,
                content_level=_LEVELS[content],
                content_limit=content_limit,
                hash_strings=hash_strings,
                max_objects=max_objects,
                store=store,
                progress=lambda now: advance(now.object_count, now.expected_object_count),
            )
    say_snapshot(snapshot, "Captured", json=json)
