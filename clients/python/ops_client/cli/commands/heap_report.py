"""opsctl heap report"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops_client.cli.command import IncludeOpsService, Json, command
from ops_client.cli.graph_file import File, dominators, read, spare
from ops_client.cli.terminal import progress_bar, say, say_json, size


@command
def report(
    file: File,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="The page. Replaced if it exists."),
    ] = Path("report.html"),
    include_ops_service: IncludeOpsService = False,
    json: Json = False,
) -> None:
    """Write a report on a heap as one HTML page. It opens without a network."""
    from ops_client.report import write_report

    spare(file, output)
    tree = dominators(read(file))
    with progress_bar("Writing"):
        write_report(tree, output, include_ops_service=include_ops_service)
    written = output.stat().st_size
    if json:
        say_json({"path": str(output), "byte_count": written})
        return
    say(f"Wrote {output} ({size(written)}). Open it in any browser; it loads nothing else.")
