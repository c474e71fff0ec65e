"""opsctl heap suspects"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ops_client.cli.command import IncludeOpsService, Json, command
from ops_client.cli.graph_file import File, dominators, read
from ops_client.cli.terminal import say, say_json, size


@command
def suspects(
    file: File,
    share: Annotated[
        float, typer.Option(min=0.001, max=1.0, help="Minimum share of all bytes for a suspect.")
    ] = 0.1,
    include_ops_service: IncludeOpsService = False,
    json: Json = False,
) -> None:
    """Show where a large part of the heap accumulates, and what holds it."""
    from ops_client.heap_graph import PathFinder, find_suspects

    graph = read(file)
    tree = dominators(graph)
    if not include_ops_service:
        tree = tree.without_ops_service()
    found = find_suspects(tree, PathFinder(graph), share)
    if json:
        rows = [
            {**asdict(each), "id": int(graph.ids[each.object_index or 0])}
            if each.object_index is not None
            else asdict(each)
            for each in found
        ]
        say_json({"total_size": tree.total_size, "suspects": rows})
        return
    for each in found:
        what = (
            f"{each.count:,} objects of {each.type_name}"
            if each.object_index is None
            else f"one {each.type_name} (id {int(graph.ids[each.object_index])})"
        )
        say(f"{each.share:.0%} of all bytes, {size(each.retained_size)}: {what}")
        say(f"  {each.held} {each.path}")
        for group in each.contents:
            say(f"    {size(group.retained_size):>10} in {group.count:,} x {group.type_name}")
    if not found:
        say(f"Nothing accumulates {share:.0%} of the {size(tree.total_size)}.")
