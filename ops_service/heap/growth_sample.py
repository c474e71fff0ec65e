"""Data of one growth sample of a process."""

from __future__ import annotations

from dataclasses import dataclass

from ops_service.heap.model import WalkMode
from ops_service.heap.paths import PathNames, PathSample


@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """Reports of the system and the allocators, in bytes. None: not reported."""

    resident: int | None = None
    anonymous: int | None = None
    file_backed: int | None = None
    shared: int | None = None
    malloc_in_use: int | None = None
    python_in_use: int | None = None
    """Blocks allocated from CPython's small-object allocator."""


@dataclass(frozen=True, slots=True)
class CollectorFigures:
    """State of the cyclic garbage collector."""

    runs: bool = True
    """Whether it is enabled and has a threshold."""
    frozen_count: int = 0
    full_collections: int = 0


@dataclass(frozen=True, slots=True)
class OtherInterpreters:
    """Interpreters of the process beside that of the service."""

    exist: bool = False
    """Whether there are others, or may be."""
    unread: bool = False
    """Whether the sample leaves out objects of others, or may do so."""

    def plus(self, later: OtherInterpreters) -> OtherInterpreters:
        """What holds of two samples together."""
        return OtherInterpreters(self.exist or later.exist, self.unread or later.unread)


@dataclass(frozen=True, slots=True)
class GrowthSample:
    """One sample of the process."""

    time: float
    """Unix time of the clone."""
    mode: WalkMode
    pause: float
    """Seconds for which the process was stopped."""
    names: PathNames
    """Names of the nodes. A new object if the numbers start again with new meanings."""
    paths: PathSample
    memory: MemoryFigures = MemoryFigures()
    collector: CollectorFigures = CollectorFigures()
    others: OtherInterpreters = OtherInterpreters()
    work: float = 0.0
    """CPU seconds that the process had used until then."""
    warnings: tuple[str, ...] = ()
