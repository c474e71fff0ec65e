"""opsctl leaks watch"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ops_client.cli.command import AllowPause, command
from ops_client.cli.connection import Connection
from ops_client.cli.exit_codes import ExitCode
from ops_client.cli.growth_text import conclusion, line, live_table
from ops_client.cli.terminal import as_json, complain, say, say_json
from ops_service.v1 import growth_pb2

_EXIT_CODES = {
    growth_pb2.HEAP_GROWTH_VERDICT_NO_LEAK: ExitCode.OK,
    growth_pb2.HEAP_GROWTH_VERDICT_LEAK: ExitCode.LEAK,
    growth_pb2.HEAP_GROWTH_VERDICT_OUTSIDE_PYTHON: ExitCode.GROWTH_OUTSIDE_PYTHON,
    growth_pb2.HEAP_GROWTH_VERDICT_INCONCLUSIVE: ExitCode.GROWTH_INCONCLUSIVE,
}


@command
async def watch(
    connection: Connection,
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600, metavar="SECONDS", help="Time between samples.")
    ] = 10.0,
    duration: Annotated[
        float, typer.Option(min=0.2, max=86_400, metavar="SECONDS", help="How long to watch.")
    ] = 60.0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of suspects.")] = 10,
    baseline: Annotated[
        str, typer.Option(metavar="ID", help="Also report growth since this baseline.")
    ] = "",
    keep_baseline: Annotated[
        bool, typer.Option(help="Keep the first sample as a baseline, and print its id.")
    ] = False,
    allow_pause: AllowPause = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON: one line for each report.")
    ] = False,
) -> None:
    """Watch for leaks and their holders. The exit code reports the verdict."""
    trailer = growth_pb2.HeapGrowthTrailer()
    report = growth_pb2.HeapGrowthReport()
    on_terminal = sys.stdout.isatty() and not json
    async with connection.open() as client:
        parts = client.watch_heap_growth(
            interval=interval,
            duration=duration,
            limit=limit,
            baseline_id=baseline,
            keep_baseline=keep_baseline,
            allow_pause=allow_pause,
        )
        with live_table(on_terminal) as show:
            async for part in parts:
                match part:
                    case growth_pb2.HeapGrowthHeader():
                        if json:
                            say_json({"header": as_json(part)})
                    case growth_pb2.HeapGrowthReport():
                        report = part
                        if json:
                            say_json({"report": as_json(part)})
                        elif on_terminal:
                            show(part)
                        else:
                            say(line(part))
                            sys.stdout.flush()
                    case growth_pb2.HeapGrowthTrailer():
                        trailer = part
                        if json:
                            say_json({"trailer": as_json(part)})
    if not json:
        for text in conclusion(report, trailer):
            say(text)
        for warning in (*trailer.warnings, *report.warnings):
            complain(warning)
    code = _EXIT_CODES.get(trailer.verdict, ExitCode.GROWTH_INCONCLUSIVE)
    if code is not ExitCode.OK:
        raise typer.Exit(code)
