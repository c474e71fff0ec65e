"""The interpreters of this process."""

from __future__ import annotations

from dataclasses import dataclass

from ops_service.heap.engine import engine_status
from ops_service.heap.walker import walker


@dataclass(frozen=True, slots=True)
class Interpreters:
    """The interpreters that exist now."""

    count: int
    """All of them, the one of the caller included."""
    other_gil_count: int
    """Those with another GIL than the caller's."""
    caller_id: int
    """Id of the caller's interpreter. The main interpreter has the id 0."""


def count_interpreters() -> Interpreters | None:
    """Count the interpreters of the process. Costs some microseconds.

    Returns:
        None if the walker cannot run here, or if threads with another GIL keep creating and
        ending interpreters while they are counted.
    """
    if not engine_status().available:
        return None
    counted = walker.count_interpreters()
    if counted is None:
        return None
    caller_id, count, other_gil_count = counted
    return Interpreters(count, other_gil_count, caller_id)
