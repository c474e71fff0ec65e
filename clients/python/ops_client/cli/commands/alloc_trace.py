"""opsctl alloc trace"""

from __future__ import annotations

from typing import Annotated

import typer

from ops_client import AllocationTrace
from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.terminal import as_json, complain, say, say_json, say_table, seconds, size
from ops_service.v1 import allocations_pb2


@command
async def trace(
    connection: Connection,
    duration: Annotated[
        float, typer.Option(min=0.1, max=600, metavar="SECONDS", help="How long to trace.")
    ] = 10.0,
    frames: Annotated[
        int, typer.Option(min=1, max=32, help="Frames per allocation. More frames cost more.")
    ] = 1,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of sites.")] = 25,
    json: Json = False,
) -> None:
    """Trace memory allocations for a while. This slows the process down."""
    async with connection.open() as client:
        found = await client.trace_allocations(
            duration=duration,
            frame_limit=frames,
            limit=limit,
            on_progress=None if json else _say_progress,
        )
    if json:
        say_json(
            {
                "header": as_json(found.header),
                "sites": [as_json(site) for site in found.sites],
                "trailer": as_json(found.trailer),
            }
        )
        return
    _say_sites(found)
    for warning in found.trailer.warnings:
        complain(warning)


def _say_progress(progress: allocations_pb2.AllocationTraceProgress) -> None:
    elapsed = seconds(progress.elapsed.ToTimedelta().total_seconds())
    say(
        f"{elapsed}: {size(progress.traced_bytes)} traced, the tracer uses "
        f"{size(progress.tracer_bytes)}"
    )


def _say_sites(found: AllocationTrace) -> None:
    say_table(
        ["more", "blocks", "size", "blocks", "site"],
        [
            (
                ("+" if site.size_difference > 0 else "") + size(site.size_difference),
                f"{site.count_difference:+,}",
                size(site.size),
                f"{site.count:,}",
                " > ".join(f"{frame.file}:{frame.line}" for frame in site.frames),
            )
            for site in found.sites
        ],
    )
    trailer = found.trailer
    pause = max((each.ToNanoseconds() for each in trailer.pauses), default=0) / 1e9
    state = "continues: the application started it" if trailer.still_tracing else "is off again"
    say(
        f"{len(found.sites)} of {trailer.site_count} sites whose allocations are still alive after "
        f"{seconds(trailer.elapsed.ToTimedelta().total_seconds())}. The process stood still for "
        f"{seconds(pause)}, and each allocation was slower meanwhile. Tracing {state}."
    )
