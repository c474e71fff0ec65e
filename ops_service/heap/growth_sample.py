"""What one growth sample of a process holds."""

from __future__ import annotations

from dataclasses import dataclass

from ops_service.heap.model import WalkMode
from ops_service.heap.paths import PathNames, PathSample


@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """What system and allocators report of the process, in bytes. None: not reported."""

    resident: int | None = None
    anonymous: int | None = None
    file_backed: int | None = None
    shared: int | None = None
    malloc_in_use: int | None = None
    python_in_use: int | None = None
    """Blocks handed out by CPython's small-object allocator."""


@dataclass(frozen=True, slots=True)
class CollectorFigures:
    """State of the cyclic garbage collector."""

    runs: bool = True
    """It is enabled and has a threshold."""
    frozen_count: int = 0
    full_collections: int = 0


@dataclass(frozen=True, slots=True)
class ChildCost:
    """What the walking child took."""

    lifetime: float
    """Seconds."""
    cpu_time: float
    """Seconds."""
    table_bytes: int


@dataclass(frozen=True, slots=True)
class GrowthSample:
    """One look at the process."""

    time: float
    """Unix time of the clone."""
    mode: WalkMode
    pause: float
    """Seconds that the process stood still."""
    names: PathNames
    """Names of the nodes. A new object when numbers start again: they mean others then."""
    paths: PathSample
    memory: MemoryFigures = MemoryFigures()
    collector: CollectorFigures = CollectorFigures()
    work: float = 0.0
    """Seconds of CPU that the process had taken until then."""
    child: ChildCost | None = None
    """None where no child was forked."""
    warnings: tuple[str, ...] = ()
