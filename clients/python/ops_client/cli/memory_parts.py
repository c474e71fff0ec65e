"""Table rows for the parts of memory, in the order in which they add up."""

from __future__ import annotations

from ops_client import _memory_parts
from ops_client._memory_parts import part_bytes, reasons
from ops_client.cli.terminal import size
from ops_service.v1 import memory_pb2

__all__ = ["PARTS", "part_size", "reasons"]

# Field and display name. An indented row is a part of the last row above it that is
# indented less.
PARTS = tuple((field, "  " * depth + name) for field, depth, name in _memory_parts.PARTS)


def part_size(parts: memory_pb2.MemoryParts, field: str) -> str:
    """Format the size of a part for display."""
    count = part_bytes(parts, field)
    return "unknown" if count is None else size(count)
