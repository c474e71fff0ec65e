"""Plain data of the heap engine: what is asked for, and what came out.

Knows neither gRPC nor protobuf.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

from ops_service.heap.walker import walker


class GcMoment(enum.Enum):
    """When a snapshot is taken, seen from the garbage collector."""

    NOW = "now"
    COLLECT_FIRST = "collect_first"
    AFTER_NEXT_FULL_COLLECTION = "after_next_full_collection"


class Sites(enum.Enum):
    """Whether a snapshot tells where objects were allocated."""

    NOT_TRACED = "not_traced"
    INCLUDED = "included"
    OUT_OF_REACH = "out_of_reach"
    """tracemalloc runs, but its tables cannot be reached on CPython 3.11."""


class ContentLevel(enum.IntEnum):
    """How much of the objects' contents a snapshot holds."""

    NONE = walker.CONTENT_LEVEL_NONE
    KEYS = walker.CONTENT_LEVEL_KEYS
    """What stands as a key of a dictionary."""
    VALUES = walker.CONTENT_LEVEL_VALUES
    """Every str, bytes, int, float, bool and None."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a snapshot tells of the objects' contents."""

    level: ContentLevel = ContentLevel.NONE
    limit: int = 64
    """Bytes at which each is cut, at most 4096."""
    hash_strings: bool = False
    """Whether each str and bytes has a hash under a key that nobody knows."""


class WalkMode(enum.Enum):
    """Where a walk ran."""

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
    """The CPython release that it was compiled for, "" without the extension."""


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """What a capture is asked for. Times in seconds."""

    gc_moment: GcMoment = GcMoment.NOW
    gc_wait_limit: float = 60.0
    contents: Contents = Contents()
    lifetime_limit: float = 30.0
    """Bound on the child's life; it is killed after this."""
    max_objects: int = 0
    """Where the snapshot is cut, in objects; 0 takes them all."""
    cpu_share: float = 0.25
    """Share of a CPU quota that the child and the service's threads may use together.
    Without a quota they are not held back: the child's low priority is enough."""
    cgroup_root: Path = Path("/sys/fs/cgroup")
    """Where the control groups are mounted."""


@dataclass(frozen=True, slots=True)
class CensusOptions:
    """What the child of a census may take."""

    lifetime_limit: float = 30.0
    """Seconds until it is killed."""
    cpu_share: float = 0.25
    """Share of a CPU quota that it may use."""
    cgroup_root: Path = Path("/sys/fs/cgroup")
    """Where the control groups are mounted."""


@dataclass(frozen=True, slots=True)
class CaptureStart:
    """What is known once the child runs. Times in seconds, sizes in bytes."""

    capture_time: float
    """Unix time of the clone."""
    mode: WalkMode
    clone_pause: float
    """How long the GIL was held for the clone."""
    allocated_blocks: int
    """``sys.getallocatedblocks()`` at the clone."""
    resident_bytes: int
    sites: Sites
    contents: Contents


@dataclass(frozen=True, slots=True)
class Cut:
    """What a bound on the objects left out of a snapshot."""

    max_objects: int
    left_out_objects: int
    """Those that objects of the snapshot refer to. What lies behind is not known."""
    left_out_edges: int
    """From objects of the snapshot to those."""


@dataclass(frozen=True, slots=True)
class CaptureSummary:
    """What is known once the walk is whole. Times in seconds, sizes in bytes."""

    object_count: int
    edge_count: int
    type_count: int
    name_count: int
    total_size: int
    pause: float
    """How long the process stood still."""
    child_lifetime: float
    child_cpu_time: float
    child_table_bytes: int
    cut: Cut | None
    """None if the snapshot holds all objects."""
    copied_bytes: int | None
    """What existed twice at the end of the child since one side had written to it;
    None if the system does not tell."""
    cpu_throttled: int
    """How often a CPU quota made the process wait while the child lived."""
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypeCount:
    """One type of a census."""

    type_name: str
    """Module and qualified name; builtins bare."""
    count: int
    total_size: int
    """Bytes as ``sys.getsizeof`` counts; 0 where the method has no sizes."""
    extra_size: int
    """Bytes that it leaves out: attribute values kept inline."""
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

    ``types`` and the sums leave out what only ops_service itself holds.
    """

    capture_time: float
    mode: WalkMode
    pause: float
    """Seconds that the process stood still."""
    types: tuple[TypeCount, ...]
    own_types: tuple[TypeCount, ...]
    """What only ops_service itself holds."""
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
