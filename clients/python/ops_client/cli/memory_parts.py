"""Rows of the parts of memory, in the order in which they add up."""

from __future__ import annotations

from collections.abc import Iterator

from ops_client.cli.terminal import size
from ops_service.v1 import memory_pb2

# Field, and its name for people. What stands further right is a part of the last
# line that stands further left.
PARTS = (
    ("resident", "resident"),
    ("anonymous", "  anonymous"),
    ("python_in_use", "    Python's small objects, in use"),
    ("python_free", "    Python's small objects, free"),
    ("malloc_in_use", "    malloc, in use"),
    ("malloc_free", "    malloc, free"),
    ("unaccounted", "    accounted for by neither"),
    ("not_resident", "    counted there and not resident"),
    ("file_backed", "  mapped files"),
    ("shared", "  shared memory"),
    ("swapped", "swapped, beside resident"),
)


def part_size(parts: memory_pb2.MemoryParts, field: str) -> str:
    """A part for people."""
    part: memory_pb2.MemoryPart = getattr(parts, field)
    if part.state != memory_pb2.PART_STATE_KNOWN:
        return "unknown"
    # It is what the lines above it count too much.
    return ("-" if field == "not_resident" and part.bytes else "") + size(part.bytes)


def reasons(parts: memory_pb2.MemoryParts) -> Iterator[str]:
    """Why parts are not known: a sentence for each reason."""
    fields: dict[str, list[str]] = {}
    for field, name in PARTS:
        part: memory_pb2.MemoryPart = getattr(parts, field)
        if part.state != memory_pb2.PART_STATE_KNOWN:
            fields.setdefault(part.reason, []).append(name.strip())
    for reason, names in fields.items():
        yield f"Unknown: {'; '.join(names)}. {reason}"
