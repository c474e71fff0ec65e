"""The result of tracing allocations for a while."""

from __future__ import annotations

from dataclasses import dataclass

from ops_service.v1 import allocations_pb2


@dataclass(frozen=True, slots=True)
class AllocationTrace:
    """Allocation sites of the memory that is still alive at the end of the window."""

    header: allocations_pb2.AllocationTraceHeader
    sites: tuple[allocations_pb2.TracedSite, ...]
    """Sites, largest growth first."""
    trailer: allocations_pb2.AllocationTraceTrailer
    """Totals, and the cost of tracing."""
