"""Write a report on a heap graph as one HTML page."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from google.protobuf.json_format import MessageToDict

from ops_client._memory_parts import PARTS, part_bytes, reasons
from ops_client._part_file import PartFile
from ops_client.heap_graph.census import count_types
from ops_client.heap_graph.dominators import DominatorTree
from ops_client.heap_graph.duplicates import find_duplicates
from ops_client.heap_graph.kinds import count_kinds, kind_name
from ops_client.heap_graph.paths import PathFinder
from ops_client.heap_graph.suspects import find_suspects
from ops_client.report.treemap import cut_tree
from ops_service.v1 import heap_graph_pb2 as pb

_MAX_TYPES = 300
_MAX_PACKAGES = 30
_MAX_DUPLICATES = 100


def write_report(
    tree: DominatorTree, path: str | os.PathLike[str], *, include_ops_service: bool = False
) -> None:
    """Write one self-contained page about a heap.

    It contains only aggregates, some hundred kilobytes for any heap, and loads nothing.
    The file appears at ``path`` when it is complete. Costs 2 to 4 s for ten million
    objects.

    Args:
        tree: The heap.
        path: Path of the page.
        include_ops_service: Whether to also count what only ``ops_service`` itself holds.

    Raises:
        FileNotWritten: The disk is full, or the place is not writable.
    """
    # Escaped, "<" cannot end the element around the data.
    data = json.dumps(
        aggregates(tree, include_ops_service=include_ops_service), separators=(",", ":")
    ).replace("<", "\\u003c")
    pieces = files("ops_client.report")
    page = pieces.joinpath("page.html").read_text("utf-8")
    for name in ("page.css", "page.js"):
        page = page.replace(f"/* {name} */", pieces.joinpath(name).read_text("utf-8"))
    with PartFile(path) as file:
        file.write(page.replace("{}", data, 1).encode())
        file.commit()


def aggregates(tree: DominatorTree, *, include_ops_service: bool = False) -> dict[str, Any]:
    """Return the data of the page, ready for JSON."""
    graph, whole = tree.graph, tree.total_size
    if not include_ops_service:
        tree = tree.without_ops_service()
    paths = PathFinder(graph)
    counted = count_types(graph, include_ops_service=include_ops_service)
    retained = tree.retained_by_type
    duplicates, wasted = find_duplicates(
        graph, _MAX_DUPLICATES, include_ops_service=include_ops_service
    )
    packages: dict[str, list[int]] = {}
    for row in counted:
        module = graph.types[row.type_index].module.partition(".")[0] or "builtins"
        package = packages.setdefault(module, [0, 0])
        package[0] += row.count
        package[1] += row.size
    ordered = sorted(packages.items(), key=lambda item: -item[1][1])
    types = sorted(counted, key=lambda row: -int(retained[row.type_index]))[:_MAX_TYPES]
    object_count = sum(row.count for row in counted)
    return {
        "header": MessageToDict(graph.header, preserving_proto_field_name=True),
        "warnings": list(graph.trailer.warnings),
        "objects": object_count,
        "edges": graph.edge_count,
        "total": tree.total_size,
        "left_out": whole - tree.total_size,
        "resident": graph.header.resident_bytes,
        "memory": _memory(graph.header),
        "kinds": [
            {"name": kind_name(each.kind), "count": each.count, "size": each.size}
            for each in count_kinds(graph, include_ops_service=include_ops_service)
        ],
        "type_count": len(counted),
        "types": [
            {
                "name": row.type_name,
                "count": row.count,
                "size": row.size,
                "retained": int(retained[row.type_index]),
            }
            for row in types
        ],
        "packages": [
            {"name": name, "count": count, "size": size}
            for name, (count, size) in ordered[:_MAX_PACKAGES]
        ],
        "hashed": len(graph.string_hashes) > 0,
        "duplicates": [
            {**asdict(each), "path": paths.text(paths.to(each.object_index))} for each in duplicates
        ],
        "wasted": wasted,
        "suspects": [{**asdict(each), "held": each.held} for each in find_suspects(tree, paths)],
        "tree": cut_tree(tree, paths, object_count),
    }


def _memory(header: pb.HeapGraphHeader) -> dict[str, Any] | None:
    """Return the parts of resident memory; None for a file from a release without them."""
    if not header.HasField("memory"):
        return None
    return {
        "parts": [
            {
                "field": field,
                "depth": depth,
                "name": name,
                "bytes": part_bytes(header.memory, field),
            }
            for field, depth, name in PARTS
        ],
        "reasons": list(reasons(header.memory)),
    }
