"""Growth reports: the conclusions of a watch."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ops_service.heap.model import WalkMode


class Verdict(enum.Enum):
    """Verdict of a watch."""

    INCONCLUSIVE = "inconclusive"
    NO_LEAK = "no leak"
    LEAK = "leak"
    OUTSIDE_PYTHON = "outside Python"


class MemoryPart(enum.Enum):
    """Part of the memory that grows outside Python objects."""

    UNKNOWN = "unknown"
    MALLOC = "malloc"
    """Blocks that C code allocated from malloc."""
    PYTHON_BLOCKS = "python blocks"
    """Blocks of CPython's own allocator that no object accounts for."""
    ANONYMOUS = "anonymous"
    """Memory that C code mapped itself, or that malloc cannot return to the system."""
    FILE_BACKED = "file backed"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class PerMinute:
    """A rate per minute, with its 95% confidence interval."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PathStep:
    """A step of a path from a root."""

    name: str
    """Name of the edge; "[…]" for elements and keys, "" if it has none."""
    kind: int
    """See `ops_service.heap.paths.EdgeKind`."""
    type_name: str


@dataclass(frozen=True, slots=True)
class Holder:
    """The object that keeps the suspect's objects alive."""

    text: str
    """The path from a root as text, with the holder's type."""
    root: str
    """Root of the path: ``modules``, ``threads``, ``garbage`` …"""
    steps: tuple[PathStep, ...]
    type_name: str
    owner_type: str
    """Type of the object whose attribute the holder is; "" if a module owns it."""
    lengths: tuple[int, ...]
    """Number of its elements at each sample; empty if it is not a container."""


@dataclass(frozen=True, slots=True)
class Survivors:
    """Upper bound of the instances that have reached an age: the least count since then."""

    age: float
    """Seconds before the latest sample."""
    at_most: int


@dataclass(frozen=True, slots=True)
class Suspect:
    """A type that leaks, or one object that grows."""

    type_name: str
    also: tuple[str, ...]
    """Types that grow with it, held by it or holding it."""
    count: int
    size: int
    """Bytes at the latest sample, including the objects that grow with it."""
    count_per_minute: PerMinute
    size_per_minute: PerMinute
    """Bytes of all objects that the suspect keeps alive."""
    counts: tuple[int, ...]
    """Count at each sample."""
    sizes: tuple[int, ...]
    survivors: tuple[Survivors, ...]
    """Oldest first. Fewer instances may have survived, if new ones replaced old ones: no
    verdict uses this."""
    holder: Holder
    sample_path: str
    """The path of an instance, as text."""
    allocation_sites: tuple[str, ...]
    """Allocation sites as ``file:line``: of its newest instances, and of the newest objects
    that grow with them. Empty if tracemalloc did not run."""
    reason: str


@dataclass(frozen=True, slots=True)
class TypeGrowth:
    """One type that grew. Sizes in bytes; differences from the first sample."""

    type_name: str
    count: int
    total_size: int
    count_difference: int
    size_difference: int
    count_per_minute: float
    size_per_minute: float


@dataclass(frozen=True, slots=True)
class OutsideGrowth:
    """A part of the memory that grows outside the Python objects."""

    part: MemoryPart
    bytes_per_minute: PerMinute
    advice: str


@dataclass(frozen=True, slots=True)
class SinceBaseline:
    """Growth since a baseline, and the verdict that follows from it."""

    suspects: tuple[Suspect, ...]
    verdict: Verdict | None
    """None: the growth since then adds nothing to the watch's own verdict."""
    reason: str
    """One sentence; "" without a verdict."""
    missing: str
    """What an inconclusive verdict waits for; "" otherwise."""


@dataclass(frozen=True, slots=True)
class GrowthReport:
    """Report of a watch so far."""

    sample_count: int
    verdict: Verdict
    reason: str
    """Reason for the verdict, in one sentence."""
    missing: str
    """What an inconclusive verdict waits for; "" otherwise."""
    suspects: tuple[Suspect, ...]
    """Largest rate of bytes first."""
    outside: tuple[OutsideGrowth, ...]
    types: tuple[TypeGrowth, ...]
    """Types that grew at nodes that changed, largest difference first."""
    times: tuple[float, ...]
    """Unix times of the samples in the series."""
    resident: tuple[int, ...]
    """Resident bytes at these times."""
    python: tuple[int, ...]
    """Bytes of live objects at these times."""
    latest_time: float
    mode: WalkMode
    pause: float
    object_count: int
    total_size: int
    resident_bytes: int
    warnings: tuple[str, ...]
