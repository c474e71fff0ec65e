"""Facts that the interpreter reports about the process."""

from __future__ import annotations

import gc
import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CollectorState:
    """State of the cyclic garbage collector. Tuples are by generation."""

    enabled: bool
    frozen_count: int
    generation_counts: tuple[int, ...]
    generation_thresholds: tuple[int, ...]
    collection_counts: tuple[int, ...]


def collector_state() -> CollectorState:
    """Read the collector's counters. Cheap: walks no objects."""
    return CollectorState(
        enabled=gc.isenabled(),
        frozen_count=gc.get_freeze_count(),
        generation_counts=tuple(gc.get_count()),
        generation_thresholds=tuple(gc.get_threshold()),
        collection_counts=tuple(stats["collections"] for stats in gc.get_stats()),
    )


def thread_count() -> int:
    """Number of threads that Python knows."""
    return threading.active_count()
