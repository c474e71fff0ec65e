"""What one sample of a watch holds."""

from __future__ import annotations

from dataclasses import dataclass

from ops_service.heap.model import WalkMode
from ops_service.heap.paths import PathNames, PathSample


@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """What system and allocators tell of the process, in bytes. None: not told."""

    resident: int | None
    anonymous: int | None
    file_backed: int | None
    shared: int | None
    malloc_in_use: int | None
    python_in_use: int | None
    """Blocks handed out by CPython's small-object allocator."""


@dataclass(frozen=True, slots=True)
class CollectorFigures:
    """State of the cyclic garbage collector."""

    runs: bool
    """It is enabled and has a threshold."""
    frozen_count: int
    full_collections: int


@dataclass(frozen=True, slots=True)
class GrowthSample:
    """One look at the process."""

    time: float
    """Unix time of the clone."""
    mode: WalkMode
    pause: float
    """Seconds that the process stood still."""
    names: PathNames
    """Names of the nodes. A new object when numbers begin anew."""
    paths: PathSample
    memory: MemoryFigures
    collector: CollectorFigures
    work: float = 0.0
    """Seconds of CPU that the process had taken until then."""
    warnings: tuple[str, ...] = ()
