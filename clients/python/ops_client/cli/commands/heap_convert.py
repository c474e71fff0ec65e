"""opsctl heap convert"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.graph_file import spare
from ops_client.cli.terminal import progress_bar, say, say_json, size


@command
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file from `heap capture`.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="The .heapsnapshot file. Replaced if it exists.")
    ],
    json: Json = False,
) -> None:
    """Convert a snapshot for Chrome DevTools, memlab and similar tools."""
    # NumPy takes longer to load than most commands take to run.
    from ops_client.devtools import write_heapsnapshot
    from ops_client.heap_graph import read_heap_graph

    spare(source, target)
    with progress_bar("Reading") as advance:
        graph = read_heap_graph(source, advance)
    with progress_bar("Writing") as advance:
        write_heapsnapshot(graph, target, advance)
    written = target.stat().st_size
    if json:
        say_json(
            {
                "path": str(target),
                "object_count": graph.object_count,
                "edge_count": graph.edge_count,
                "byte_count": written,
            }
        )
        return
    say(
        f"Wrote {graph.object_count:,} objects and {graph.edge_count:,} edges into {target} "
        f"({size(written)}). Open it in Chrome: DevTools, Memory, Load profile."
    )
