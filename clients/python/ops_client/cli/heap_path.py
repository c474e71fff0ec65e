"""opsctl heap path"""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from ops_client.cli.command import Json, command
from ops_client.cli.graph_file import File, Limit, find_objects, read
from ops_client.cli.terminal import say, say_json, say_table

# Of a type with more objects, so many spread over all of them are looked at.
_EXAMPLES = 5_000


@command
def path(
    what: Annotated[
        str, typer.Argument(metavar="TYPE|ID", help="A type's full name, or an object's id.")
    ],
    file: File,
    limit: Limit = 10,
    alternatives: Annotated[
        bool,
        typer.Option("--alternatives", help="One path for each object that refers to it."),
    ] = False,
    json: Json = False,
) -> None:
    """Show why an object, or the objects of a type, are alive."""
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
        say(f"{len(holders) - limit:,} more ways lead to others.")
    if step > 1:
        say(f"{len(examples):,} of {len(objects):,} objects were looked at.")
