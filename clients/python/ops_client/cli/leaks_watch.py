"""opsctl leaks watch"""

from __future__ import annotations

from typing import Annotated

import typer

from ops_client.cli.command import (
    AllowPause,
    Ca,
    Cert,
    Key,
    ServerName,
    Target,
    command,
    connect,
)
from ops_client.cli.terminal import as_json, complain, say, say_json, say_table, size
from ops_service.v1 import growth_pb2


@command
async def watch(
    target: Target,
    ca: Ca,
    cert: Cert = None,
    key: Key = None,
    server_name: ServerName = "",
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600, metavar="SECONDS", help="Time between samples.")
    ] = 10.0,
    duration: Annotated[
        float, typer.Option(min=0.2, max=86_400, metavar="SECONDS", help="How long to watch.")
    ] = 60.0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many types.")] = 10,
    allow_pause: AllowPause = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON: one line for each report.")
    ] = False,
) -> None:
    """Watch which types grow, with a report after each sample."""
    async with connect(target, ca, cert, key, server_name) as client:
        parts = client.watch_heap_growth(
            interval=interval, duration=duration, limit=limit, allow_pause=allow_pause
        )
        async for part in parts:
            match part:
                case growth_pb2.HeapGrowthHeader():
                    if json:
                        say_json({"header": as_json(part)})
                case growth_pb2.HeapGrowthReport():
                    if json:
                        say_json({"report": as_json(part)})
                    else:
                        _say_report(part)
                case growth_pb2.HeapGrowthTrailer():
                    if json:
                        say_json({"trailer": as_json(part)})
                    else:
                        _say_conclusion(part)


def _say_report(report: growth_pb2.HeapGrowthReport) -> None:
    when = report.sample_time.ToDatetime().strftime("%H:%M:%S")
    resident = f", {size(report.resident_bytes)} resident" if report.resident_bytes else ""
    say(
        f"{when} UTC  sample {report.sample_count}: {report.object_count:,} objects, "
        f"{size(report.total_size)}{resident}"
    )
    if report.types:
        say_table(
            ["count", "more", "a minute", "size", "more", "a minute", "type"],
            [
                (
                    f"{each.count:,}",
                    f"{each.count_difference:+,}",
                    f"{each.count_per_minute:+,.0f}",
                    size(each.total_size),
                    ("+" if each.size_difference > 0 else "") + size(each.size_difference),
                    ("+" if each.size_per_minute > 0 else "") + size(round(each.size_per_minute)),
                    each.type_name,
                )
                for each in report.types
            ],
        )
    say("")


def _say_conclusion(trailer: growth_pb2.HeapGrowthTrailer) -> None:
    verdict = growth_pb2.HeapGrowthVerdict.Name(trailer.verdict)
    verdict = verdict.removeprefix("HEAP_GROWTH_VERDICT_").lower().replace("_", " ")
    say(f"Verdict after {trailer.sample_count} samples: {verdict}. {trailer.reason}")
    for warning in trailer.warnings:
        complain(warning)
