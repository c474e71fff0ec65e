"""opsctl heap query"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.graph_file import dominators, read
from ops_client.cli.terminal import say, say_json, say_table


@command
def query(
    source: Annotated[
        Path,
        typer.Argument(metavar="FILE|DIR", help="A snapshot, or a directory from `heap export`."),
    ],
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One statement in DuckDB's SQL.")],
    limit: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Maximum number of rows.")
    ] = 1000,
    timeout: Annotated[float, typer.Option(min=0.1, help="Time limit in seconds.")] = 60.0,
    memory: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="MIB", help="Memory limit. Default: half of the available memory."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Query a heap in SQL, over the tables snapshots, nodes, edges, types and paths."""
    from ops_client.tables import query as run

    found = run(
        source if source.is_dir() else dominators(read(source)),
        sql,
        limit=limit,
        timeout=timeout,
        memory=memory << 20 if memory is not None else None,
    )
    if json:
        plain = (int, float, bool, str, type(None))
        say_json(
            {
                "columns": found.columns,
                "rows": [
                    [each if isinstance(each, plain) else str(each) for each in row]
                    for row in found.rows
                ],
                "is_cut": found.is_cut,
            }
        )
        return
    if found.columns:
        say_table(found.columns, [["" if e is None else str(e) for e in row] for row in found.rows])
    if found.is_cut:
        say(f"There are more than these {limit:,} rows; see --limit.")
