"""opsctl heap export"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.graph_file import File, dominators, read
from ops_client.cli.terminal import progress_bar, say, say_json, size


@command
def export(
    file: File,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="A new or empty directory.")
    ],
    json: Json = False,
) -> None:
    """Write a heap as Parquet tables: snapshots, nodes, edges, types and paths."""
    from ops_client.tables import export_tables

    tree = dominators(read(file))
    with progress_bar("Writing") as advance:
        export_tables(tree, output, advance)
    written = {each.stem: each.stat().st_size for each in sorted(output.glob("*.parquet"))}
    if json:
        say_json({"path": str(output), "byte_counts": written})
        return
    say(
        f"Wrote {', '.join(written)} into {output} ({size(sum(written.values()))}). Query with "
        f"`opsctl heap query {output} 'SELECT ...'`."
    )
