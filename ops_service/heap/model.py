"""Plain data of the heap engine: requests and results.

Knows neither gRPC nor protobuf.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

from ops_service.heap.walker import walker


class GcMoment(enum.Enum):
    """Moment of a snapshot, relative to garbage collections."""

    NOW = "now"
    COLLECT_FIRST = "collect_first"
    AFTER_NEXT_FULL_COLLECTION = "after_next_full_collection"


class Sites(enum.Enum):
    """Whether a snapshot has the allocation sites of objects."""

    NOT_TRACED = "not_traced"
    INCLUDED = "included"
    OUT_OF_REACH = "out_of_reach"
    """tracemalloc runs, but its tables are not reachable on CPython 3.11."""


class ContentLevel(enum.IntEnum):
    """Which contents of objects a snapshot holds."""

    NONE = walker.CONTENT_LEVEL_NONE
    KEYS = walker.CONTENT_LEVEL_KEYS
    """Keys of dictionaries."""
    VALUES = walker.CONTENT_LEVEL_VALUES
    """Every str, bytes, int, float, bool and None."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Options for the objects' contents in a snapshot."""

    level: ContentLevel = ContentLevel.NONE
    limit: int = 64
    """Maximum bytes of each content, up to 4096."""
    hash_strings: bool = False
    """Whether each str and bytes has a hash under a secret key that nobody knows."""


class WalkMode(enum.Enum):
    """How a walk ran."""

    FORKED = "forked"
    OBJGRAPH = "objgraph"
    """No walk: ``objgraph.typestats``, tracked objects only and no sizes."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Whether the native engine can run here."""

    available: bool
    reason: str
    """Why not, and what to do. Empty if available."""
    compiled_for: str
    """The CPython release of its compilation; "" without the extension."""


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """Options of a capture. Times in seconds."""

    gc_moment: GcMoment = GcMoment.NOW
    gc_wait_limit: float = 60.0
    contents: Contents = Contents()
    lifetime_limit: float = 30.0
    """Bound on the child's life. The child is killed after it."""
    max_objects: int = 0
    """Maximum number of objects in the snapshot; 0 means all."""
    cpu_share: float = 0.25
    """Share of a CPU quota that the child and the service's threads may use together.
    Without a quota they have no limit: the child's low priority is enough."""
    cgroup_root: Path = Path("/sys/fs/cgroup")
    """Mount point of the control groups."""


@dataclass(frozen=True, slots=True)
class CensusOptions:
    """Limits for the child of a census."""

    lifetime_limit: float = 30.0
    """Seconds after which the child is killed."""
    cpu_share: float = 0.25
    """Share of a CPU quota that it may use."""
    cgroup_root: Path = Path("/sys/fs/cgroup")
    """Mount point of the control groups."""


@dataclass(frozen=True, slots=True)
class CaptureStart:
    """Facts known once the child runs. Times in seconds, sizes in bytes."""

    capture_time: float
    """Unix time of the clone."""
    mode: WalkMode
    clone_pause: float
    """Seconds for which the clone held the GIL."""
    allocated_blocks: int
    """``sys.getallocatedblocks()`` at the clone; 0 if it is not known."""
    resident_bytes: int
    sites: Sites
    contents: Contents


@dataclass(frozen=True, slots=True)
class Cut:
    """Objects and edges that ``max_objects`` left out of a snapshot."""

    max_objects: int
    left_out_objects: int
    """Number of left-out objects with a reference from the snapshot. Others are unknown."""
    left_out_edges: int
    """Number of edges from objects of the snapshot to left-out objects."""


@dataclass(frozen=True, slots=True)
class CaptureSummary:
    """Facts known after the whole walk. Times in seconds, sizes in bytes."""

    object_count: int
    edge_count: int
    type_count: int
    name_count: int
    total_size: int
    pause: float
    """Seconds for which the process was stopped."""
    child_lifetime: float
    child_cpu_time: float
    child_table_bytes: int
    cut: Cut | None
    """None if the snapshot holds all objects."""
    copied_bytes: int | None
    """Bytes that existed twice at the end of the child, because one side had written to
    them. None if the system does not report it."""
    cpu_throttled: int
    """How often a CPU quota throttled the process while the child lived."""
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypeCount:
    """One type of a census."""

    type_name: str
    """Module and qualified name; for a builtin the name alone."""
    count: int
    total_size: int
    """Bytes as ``sys.getsizeof`` counts; 0 if the method has no sizes."""
    extra_size: int
    """Bytes that ``sys.getsizeof`` leaves out: attribute values stored inline."""
    size_estimated: bool

    def plus(self, other: TypeCount) -> TypeCount:
        """The sum of two rows of one type."""
        return TypeCount(
            self.type_name,
            self.count + other.count,
            self.total_size + other.total_size,
            self.extra_size + other.extra_size,
            self.size_estimated or other.size_estimated,
        )


@dataclass(frozen=True, slots=True)
class Census:
    """Counts and sizes of all live objects by type, largest size first.

    ``types`` and the sums exclude objects that only ops_service itself holds.
    """

    capture_time: float
    mode: WalkMode
    pause: float
    """Seconds for which the process was stopped."""
    types: tuple[TypeCount, ...]
    own_types: tuple[TypeCount, ...]
    """Objects that only ops_service itself holds."""
    object_count: int
    total_size: int
    resident_bytes: int
    warnings: tuple[str, ...]

    def all_types(self) -> tuple[TypeCount, ...]:
        """Types of the application and of ops_service together."""
        sums: dict[str, TypeCount] = {}
        for row in (*self.types, *self.own_types):
            before = sums.get(row.type_name)
            sums[row.type_name] = row if before is None else before.plus(row)
        return tuple(sorted(sums.values(), key=lambda row: -row.total_size))
