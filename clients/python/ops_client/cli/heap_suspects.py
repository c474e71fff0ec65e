"""opsctl heap suspects"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ops_client.cli.command import IncludeOpsService, Json, command
from ops_client.cli.graph_file import File, dominators, read
from ops_client.cli.terminal import say, say_json, size

if TYPE_CHECKING:
    from ops_client.heap_graph import Suspect


@command
def suspects(
    file: File,
    share: Annotated[
        float, typer.Option(min=0.001, max=1.0, help="What part of all bytes makes a suspect.")
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
        say(f"  {_held(each)} {each.path}")
        for group in each.contents:
            say(f"    {size(group.retained_size):>10} in {group.count:,} x {group.type_name}")
    if not found:
        say(f"Nothing accumulates {share:.0%} of the {size(tree.total_size)}.")


def _held(suspect: Suspect) -> str:
    if suspect.path_share == 1:
        return "held by"
    if suspect.path_share < 0.1:
        return "held in many ways, as by"
    return f"held most often, {suspect.path_share:.0%} of them, by"
