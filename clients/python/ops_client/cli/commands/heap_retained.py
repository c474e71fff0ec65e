"""opsctl heap retained"""

from __future__ import annotations

from typing import Any

from ops_client.cli.command import IncludeOpsService, Json, command
from ops_client.cli.graph_file import File, Limit, dominators, read
from ops_client.cli.terminal import say, say_json, say_table, size


@command
def retained(
    file: File,
    limit: Limit = 20,
    include_ops_service: IncludeOpsService = False,
    json: Json = False,
) -> None:
    """Show how much memory a type's objects, or one object, keep alive."""
    import numpy as np

    from ops_client.heap_graph import PathFinder, count_types

    graph = read(file)
    tree = dominators(graph)
    if not include_ops_service:
        tree = tree.without_ops_service()
    paths = PathFinder(graph)
    retained_by_type = tree.retained_by_type
    counted = count_types(graph, include_ops_service=include_ops_service)
    counted.sort(key=lambda row: -int(retained_by_type[row.type_index]))
    chosen = np.argsort(tree.retained_sizes)[::-1][:limit]
    objects: list[dict[str, Any]] = [
        {
            "id": int(graph.ids[each]),
            "type_name": paths.label(each),
            "size": int(graph.sizes[each]) + int(graph.extra_sizes[each]),
            "retained_size": int(tree.retained_sizes[each]),
            "path": paths.text(paths.to(each)),
        }
        for each in chosen.tolist()
    ]
    if json:
        types = [
            {
                "type_name": row.type_name,
                "count": row.count,
                "size": row.size,
                "retained_size": int(retained_by_type[row.type_index]),
            }
            for row in counted[:limit]
        ]
        say_json({"total_size": tree.total_size, "types": types, "objects": objects})
        return
    say_table(
        ["retained", "own size", "count", "type"],
        [
            (
                size(int(retained_by_type[row.type_index])),
                size(row.size),
                f"{row.count:,}",
                row.type_name,
            )
            for row in counted[:limit]
        ],
    )
    say("")
    say_table(
        ["retained", "own size", "id", "object"],
        [
            (size(row["retained_size"]), size(row["size"]), str(row["id"] or "-"), row["path"])
            for row in objects
        ],
    )
    count = sum(row.count for row in counted)
    say(f"All {count:,} objects have {size(tree.total_size)}.")
