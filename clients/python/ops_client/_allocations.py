"""What a window of tracing found."""

from __future__ import annotations

from dataclasses import dataclass

from ops_service.v1 import allocations_pb2


@dataclass(frozen=True, slots=True)
class AllocationTrace:
    """Where memory was allocated that lived at the end of a window."""

    header: allocations_pb2.AllocationTraceHeader
    sites: tuple[allocations_pb2.TracedSite, ...]
    """The largest growth first."""
    trailer: allocations_pb2.AllocationTraceTrailer
    """Sums, and what it cost."""
