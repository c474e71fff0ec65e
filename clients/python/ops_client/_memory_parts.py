"""The parts of a process's memory, in the order in which they add up."""

from __future__ import annotations

from collections.abc import Iterator

from ops_service.v1 import memory_pb2

# Field, depth and display name. A part belongs to the nearest part above it that has a
# smaller depth.
PARTS = (
    ("resident", 0, "resident"),
    ("anonymous", 1, "anonymous"),
    ("python_in_use", 2, "Python's small objects, in use"),
    ("python_free", 2, "Python's small objects, free"),
    ("malloc_in_use", 2, "malloc, in use"),
    ("malloc_free", 2, "malloc, free"),
    ("unaccounted", 2, "accounted for by neither"),
    ("not_resident", 2, "counted there and not resident"),
    ("file_backed", 1, "mapped files"),
    ("shared", 1, "shared memory"),
    ("swapped", 0, "swapped, beside resident"),
)


def part_bytes(parts: memory_pb2.MemoryParts, field: str) -> int | None:
    """Return the bytes of a part; None if unknown. An excess in the parts above is negative."""
    part: memory_pb2.MemoryPart = getattr(parts, field)
    if part.state != memory_pb2.PART_STATE_KNOWN:
        return None
    # The parts above it count this much too much.
    return -part.bytes if field == "not_resident" else part.bytes


def reasons(parts: memory_pb2.MemoryParts) -> Iterator[str]:
    """Yield a sentence for each reason why parts are unknown."""
    fields: dict[str, list[str]] = {}
    for field, _, name in PARTS:
        part: memory_pb2.MemoryPart = getattr(parts, field)
        if part.state != memory_pb2.PART_STATE_KNOWN:
            fields.setdefault(part.reason, []).append(name)
    for reason, names in fields.items():
        yield f"Unknown: {'; '.join(names)}. {reason}"
