"""How many blocks Python's small-object allocator has given out."""

from __future__ import annotations

import sys

from ops_service.heap.interpreters import count_interpreters
from ops_service.heap.walker import walker

_OWN_GILS = sys.version_info >= (3, 12)
"""Whether an interpreter can have a GIL of its own."""


def allocated_blocks() -> int | None:
    """``sys.getallocatedblocks()``; None where calling it could end the process.

    It reads the arenas of every interpreter. One with its own GIL may free an arena at that
    moment.
    """
    return sys.getallocatedblocks() if not _OWN_GILS or _share_one_gil() else None


def _share_one_gil() -> bool:
    is_single = getattr(walker, "is_single", None)
    if is_single is None:
        return False
    if is_single():
        return True
    counted = count_interpreters()
    return counted is not None and counted.other_gil_count == 0
