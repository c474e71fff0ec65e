"""opsctl heap path"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.connection import Connection, without_file
from ops_client.cli.drawing import check_name, write_graph
from ops_client.cli.graph_file import Limit, find_objects, read
from ops_client.cli.terminal import as_json, complain, say, say_json, say_table, seconds
from ops_service.v1 import referrers_pb2

# Objects of a type to examine. If there are more, these are spread over all of them.
_EXAMPLES = 5_000
_LIVE_MAX = 100


@command
async def path(
    what: Annotated[
        str, typer.Argument(metavar="TYPE|ID", help="A type's full name, or an object's id.")
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="A file from `heap capture`. Default: the live process."
        ),
    ] = None,
    connection: Connection | None = None,
    limit: Limit = 10,
    alternatives: Annotated[
        bool,
        typer.Option(
            "--alternatives",
            help="Show one path per direct referrer. A live process always returns these.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Draw the live graph as .svg, or write its source as .dot.",
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            min=0.1, max=60, metavar="SECONDS", help="End the live search and print what it found."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show why an object, or the objects of a type, are alive."""
    if file is not None:
        if output is not None or time_limit is not None:
            raise typer.BadParameter("-o and --time-limit are for a live process; omit FILE.")
        _of_file(what, file, limit, alternatives=alternatives, json=json)
        return
    live = without_file(connection)
    if output is not None:
        check_name(output)
    reply = await _find_live(live, what, limit, time_limit)
    if output is not None:
        write_graph(reply.dot, output)
    if json:
        say_json(as_json(reply))
        return
    _say(reply)
    for warning in reply.warnings:
        complain(warning)
    if output is not None:
        say(f"Wrote the graph to {output}.")


async def _find_live(
    live: Connection, what: str, limit: int, time_limit: float | None
) -> referrers_pb2.FindReferrersResponse:
    async with live.open() as client:
        return await client.find_referrers(
            int(what) if what.isdecimal() and len(what) < 20 else what,
            breadth=min(limit, _LIVE_MAX),
            time_limit=time_limit,
        )


def _say(reply: referrers_pb2.FindReferrersResponse) -> None:
    say_table(
        ["count", "example", "path"],
        [
            (f"{each.count:,}", str(reply.nodes[each.nodes[-1]].id), each.text)
            for each in reply.paths
        ],
    )
    pause = seconds(reply.clone_pause.ToTimedelta().total_seconds())
    say(f"{reply.object_count:,} objects. The process stood still for {pause}.")


def _of_file(what: str, file: Path, limit: int, *, alternatives: bool, json: bool) -> None:
    import numpy as np

    from ops_client.heap_graph import PathFinder

    graph = read(file)
    objects = find_objects(graph, what)
    paths = PathFinder(graph)
    if len(objects) == 1:
        found = (
            islice(paths.alternatives(objects[0]), limit)
            if alternatives
            else [paths.to(objects[0])]
        )
        texts = [(each, paths.text(each)) for each in found]
        if json:
            say_json(
                {
                    "id": int(graph.ids[objects[0]]),
                    "paths": [
                        {"text": text, "ids": graph.ids[list(each.objects)].tolist()}
                        for each, text in texts
                    ],
                }
            )
            return
        for _, text in texts:
            say(text)
        return
    step = -(-len(objects) // _EXAMPLES)
    examples = np.array(objects[::step])
    holders = paths.holders(examples)
    if json:
        say_json(
            {
                "type_name": what,
                "count": len(objects),
                "looked_at": len(examples),
                "holders": [
                    {"path": text, "count": count, "example_id": int(graph.ids[example])}
                    for text, count, example in holders[:limit]
                ],
            }
        )
        return
    say_table(
        ["count", "share", "example", "path"],
        [
            (f"{count:,}", f"{count / len(examples):.0%}", str(graph.ids[example]), text)
            for text, count, example in holders[:limit]
        ],
    )
    if len(holders) > limit:
        say(f"{len(holders) - limit:,} more paths lead to other objects.")
    if step > 1:
        say(f"{len(examples):,} of {len(objects):,} objects were examined.")
