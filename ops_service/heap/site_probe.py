"""Whether the child can report the allocation sites of objects."""

from __future__ import annotations

import sys
import tracemalloc

from ops_service.heap.model import Sites


def site_probe() -> tuple[Sites, tuple[object, str, int] | None]:
    """Whether sites can be reported, and an object whose site is known."""
    if not tracemalloc.is_tracing():
        return Sites.NOT_TRACED, None
    if sys.version_info < (3, 12):
        return Sites.OUT_OF_REACH, None
    probe = object()
    trace = tracemalloc.get_object_traceback(probe)
    if trace is None:
        # Another thread has just switched it off.
        return Sites.NOT_TRACED, None
    return Sites.INCLUDED, (probe, trace[-1].filename, trace[-1].lineno)
