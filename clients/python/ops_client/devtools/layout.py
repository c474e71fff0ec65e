"""What the numbers of a ``.heapsnapshot`` file mean."""

from __future__ import annotations

from enum import IntEnum

NODE_FIELDS = ("type", "name", "id", "self_size", "edge_count", "trace_node_id", "detachedness")
EDGE_FIELDS = ("type", "name_or_index", "to_node")

NODE_TYPES = (
    "hidden",
    "array",
    "string",
    "object",
    "code",
    "closure",
    "regexp",
    "number",
    "native",
    "synthetic",
    "concatenated string",
    "sliced string",
    "symbol",
    "bigint",
    "object shape",
    "wasm object",
)
EDGE_TYPES = ("context", "element", "property", "internal", "hidden", "shortcut", "weak")

MAX_ID = MAX_SELF_SIZE = 2**32 - 1


class NodeType(IntEnum):
    """Indexes into ``NODE_TYPES``."""

    # Loaders treat the names of strings and numbers as their values.
    STRING = 2
    # Type of all Python objects without a value in the snapshot: loaders group it by
    # name, whereas they fold the sizes of arrays into their owners.
    OBJECT = 3
    NUMBER = 7
    NATIVE = 8
    SYNTHETIC = 9


class EdgeType(IntEnum):
    """Indexes into ``EDGE_TYPES``."""

    CONTEXT = 0
    ELEMENT = 1
    PROPERTY = 2
    INTERNAL = 3
    SHORTCUT = 5
    WEAK = 6


def snapshot_section(
    node_count: int, edge_count: int, trace_function_count: int
) -> dict[str, object]:
    """Return the first section of a file, which describes the others."""
    return {
        "meta": {
            "node_fields": NODE_FIELDS,
            "node_types": [NODE_TYPES, "string", *["number"] * 5],
            "edge_fields": EDGE_FIELDS,
            "edge_types": [EDGE_TYPES, "string_or_number", "node"],
            "trace_function_info_fields": [
                "function_id",
                "name",
                "script_name",
                "script_id",
                "line",
                "column",
            ],
            "trace_node_fields": ["id", "function_info_index", "count", "size", "children"],
            "sample_fields": ["timestamp_us", "last_assigned_id"],
            "location_fields": ["object_index", "script_id", "line", "column"],
        },
        "node_count": node_count,
        "edge_count": edge_count,
        "trace_function_count": trace_function_count,
    }
