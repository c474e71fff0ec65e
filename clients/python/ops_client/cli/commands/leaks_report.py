"""opsctl leaks report"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops_client._history import GrowthHistory
from ops_client._part_file import PartFile
from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection
from ops_client.cli.growth_text import conclusion, line
from ops_client.cli.terminal import as_json, complain, say, say_json
from ops_client.growth_page import growth_page
from ops_service.v1 import growth_pb2

# Number of past samples that are printed before the conclusion.
_LINES = 10


@command
async def report(
    connection: Connection,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Also write one HTML page."),
    ] = None,
    previous: Annotated[
        bool,
        typer.Option("--previous", help="Report on the process that ended last, from the store."),
    ] = False,
    instance: Annotated[
        str, typer.Option(metavar="ID", help="Report on the process with this instance id.")
    ] = "",
    json: Json = False,
) -> None:
    """Report what the background watch saw, in this process or an earlier one."""
    async with connection.open() as client:
        history = await client.read_growth_history(previous=previous, stored_instance_id=instance)
    if output is not None:
        with PartFile(output) as file:
            file.write(growth_page(history).encode())
            file.commit()
    if json:
        say_json(
            {
                "header": as_json(history.header),
                "records": [as_json(each) for each in history.records],
                "warnings": list(history.warnings),
            }
        )
        return
    _say(history)
    for warning in history.warnings:
        complain(warning)
    if output is not None:
        say(f"Wrote the page to {output}.")


def _say(history: GrowthHistory) -> None:
    header = history.header
    process = header.watched_process
    state = "running" if header.running else "ended"
    say(f"Process {process.pid} on {process.host_name}, {state}, instance {process.instance_id}")
    reports = history.reports
    if len(reports) > _LINES:
        say(f"({len(reports) - _LINES} earlier samples)")
    for each in reports[-_LINES:]:
        say(line(each))
    for record in history.events:
        event = record.event
        when = record.time.ToDatetime().strftime("%H:%M:%S")
        stored = f"; snapshot {event.snapshot_id}" if event.snapshot_id else ""
        say(f"{when} UTC  rule {event.rule}: {event.reason} {', '.join(event.actions)}{stored}")
        if event.problem:
            complain(event.problem)
    latest, suspected = history.latest, history.suspected
    if latest is None:
        say("No sample was taken.")
        return
    _say_conclusion(latest)
    if suspected is not None and suspected != latest:
        say("The latest sample that names suspects:")
        _say_conclusion(suspected)


def _say_conclusion(report: growth_pb2.HeapGrowthReport) -> None:
    trailer = growth_pb2.HeapGrowthTrailer(
        sample_count=report.sample_count, verdict=report.verdict, reason=report.reason
    )
    for text in conclusion(report, trailer):
        say(text)
