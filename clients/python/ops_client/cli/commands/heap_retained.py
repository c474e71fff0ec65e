"""opsctl heap retained"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ops_client.cli.command import IncludeOpsService, Json, command
from ops_client.cli.graph_file import File, Limit, dominators, read
from ops_client.cli.terminal import say, say_json, say_table, size

if TYPE_CHECKING:
    from ops_client.heap_graph import DominatorTree


@command
def retained(
    file: File,
    limit: Limit = 20,
    include_ops_service: IncludeOpsService = False,
    json: Json = False,
) -> None:
    """Show how much memory a type's objects, or one object, keep alive."""
    from ops_client.heap_graph import count_types

    graph = read(file)
    tree = dominators(graph)
    if not include_ops_service:
        tree = tree.without_ops_service()
    retained_by_type = tree.retained_by_type
    counted = count_types(graph, include_ops_service=include_ops_service)
    counted.sort(key=lambda row: -int(retained_by_type[row.type_index]))
    types: list[dict[str, Any]] = [
        {
            "type_name": row.type_name,
            "count": row.count,
            "size": row.size,
            "retained_size": int(retained_by_type[row.type_index]),
        }
        for row in counted[:limit]
    ]
    objects = _largest_objects(tree, limit)
    if json:
        say_json({"total_size": tree.total_size, "types": types, "objects": objects})
        return
    _say_rows(types, objects)
    count = sum(row.count for row in counted)
    say(f"All {count:,} objects have {size(tree.total_size)}.")


def _largest_objects(tree: DominatorTree, limit: int) -> list[dict[str, Any]]:
    """Describe the objects that retain most, largest first."""
    import numpy as np

    from ops_client.heap_graph import PathFinder

    graph, paths = tree.graph, PathFinder(tree.graph)
    chosen = np.argsort(tree.retained_sizes)[::-1][:limit]
    return [
        {
            "id": int(graph.ids[each]),
            "type_name": paths.label(each),
            "size": int(graph.sizes[each]) + int(graph.extra_sizes[each]),
            "retained_size": int(tree.retained_sizes[each]),
            "path": paths.text(paths.to(each)),
        }
        for each in chosen.tolist()
    ]


def _say_rows(types: list[dict[str, Any]], objects: list[dict[str, Any]]) -> None:
    say_table(
        ["retained", "own size", "count", "type"],
        [
            (
                size(row["retained_size"]),
                size(row["size"]),
                f"{row['count']:,}",
                row["type_name"],
            )
            for row in types
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
