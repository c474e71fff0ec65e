"""Counts and sizes of live objects by type."""

from __future__ import annotations

import threading

from ops_service.errors import EngineUnavailable
from ops_service.heap.engine import engine_status
from ops_service.heap.model import Census


def take_census(*, allow_pause: bool = False, cancel: threading.Event | None = None) -> Census:
    """Count every live object by type, in a forked child.

    Blocks until the census is whole. Calls that arrive while one is under way
    and not yet cloned share its result. Where no child can be cloned and
    ``allow_pause`` is true, ``objgraph.typestats`` counts in the process.

    Args:
        allow_pause: Whether the process may stand still for the whole count.
        cancel: When set, the child is killed and ``Cancelled`` raised.

    Raises:
        EngineUnavailable, InsufficientMemory, CloneRefused, WalkFailed,
        WalkTimeout, Cancelled.
    """
    raise EngineUnavailable(engine_status().reason)
