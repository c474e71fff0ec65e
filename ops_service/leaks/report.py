"""What a watch concludes."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ops_service.heap.model import WalkMode


class Verdict(enum.Enum):
    """What a watch concludes."""

    INCONCLUSIVE = "inconclusive"
    NO_LEAK = "no leak"
    LEAK = "leak"
    OUTSIDE_PYTHON = "outside Python"


class MemoryPart(enum.Enum):
    """Where memory outside Python objects grows."""

    UNKNOWN = "unknown"
    MALLOC = "malloc"
    """Blocks that C code asked malloc for."""
    PYTHON_BLOCKS = "python blocks"
    """Blocks of CPython's own allocator that no object accounts for."""
    ANONYMOUS = "anonymous"
    """Memory that C code mapped itself, or that malloc cannot give back."""
    FILE_BACKED = "file backed"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class PerMinute:
    """A rate per minute, and where it lies with 95% confidence."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PathStep:
    """A step of a path from a root."""

    name: str
    """Name of the edge, "[…]" for elements and keys, "" where it has none."""
    kind: int
    """See `ops_service.heap.paths.EdgeKind`."""
    type_name: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who keeps the objects alive."""

    text: str
    """The path from a root as text, with the holder's type."""
    root: str
    """Where the path begins: ``modules``, ``threads``, ``garbage`` …"""
    steps: tuple[PathStep, ...]
    type_name: str
    owner_type: str
    """Type of the object whose attribute the holder is; "" for a module's."""
    lengths: tuple[int, ...]
    """Elements of it at each sample; empty if it is no container."""


@dataclass(frozen=True, slots=True)
class Survivors:
    """How many instances are of an age, at most: no more than there were ever since."""

    age: float
    """Seconds before the latest sample."""
    at_most: int


@dataclass(frozen=True, slots=True)
class Suspect:
    """A type that leaks, or one object that grows."""

    type_name: str
    also: tuple[str, ...]
    """Types that grow along with it, held by it or holding it."""
    count: int
    size: int
    """Bytes at the latest sample, of the objects that grow with it too."""
    count_per_minute: PerMinute
    size_per_minute: PerMinute
    """Bytes, of all that the suspect keeps alive."""
    counts: tuple[int, ...]
    """At each sample."""
    sizes: tuple[int, ...]
    survivors: tuple[Survivors, ...]
    """Oldest first. Fewer than these may have survived, where others took their places:
    no verdict rests on it."""
    holder: Holder
    sample_path: str
    """The path of an instance, as text."""
    allocation_sites: tuple[str, ...]
    """Where the newest of its instances were allocated, as ``file:line``, and the
    newest of what they drag along; empty where tracemalloc did not run."""
    reason: str


@dataclass(frozen=True, slots=True)
class TypeGrowth:
    """One type that grew. Sizes in bytes, differences to the first sample."""

    type_name: str
    count: int
    total_size: int
    count_difference: int
    size_difference: int
    count_per_minute: float
    size_per_minute: float


@dataclass(frozen=True, slots=True)
class OutsideGrowth:
    """A part of the memory that grows beside the Python objects."""

    part: MemoryPart
    bytes_per_minute: PerMinute
    advice: str


@dataclass(frozen=True, slots=True)
class SinceBaseline:
    """What is more than at a baseline, and what follows from it."""

    suspects: tuple[Suspect, ...]
    verdict: Verdict | None
    """None: the growth since then says nothing beyond what the watch saw itself."""
    reason: str
    """In one sentence; "" where the growth says nothing."""
    missing: str
    """What an inconclusive verdict waits for; "" otherwise."""


@dataclass(frozen=True, slots=True)
class GrowthReport:
    """What has been seen so far."""

    sample_count: int
    verdict: Verdict
    reason: str
    """Why, in one sentence."""
    missing: str
    """What an inconclusive verdict waits for; "" otherwise."""
    suspects: tuple[Suspect, ...]
    """Largest rate of bytes first."""
    outside: tuple[OutsideGrowth, ...]
    types: tuple[TypeGrowth, ...]
    """Types that grew at nodes that changed, largest difference first."""
    times: tuple[float, ...]
    """Unix times of the samples that the series show."""
    resident: tuple[int, ...]
    """Resident bytes at these."""
    python: tuple[int, ...]
    """Bytes of live objects at these."""
    latest_time: float
    mode: WalkMode
    pause: float
    object_count: int
    total_size: int
    resident_bytes: int
    warnings: tuple[str, ...]
