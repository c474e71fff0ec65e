"""Finds the live object of a snapshot's id, and the live instances of a type."""

from __future__ import annotations

from typing import Any

from ops_service.heap import pause
from ops_service.heap.engine import engine_status
from ops_service.heap.walker import walker

# Limit of a walk over the collector's lists with the GIL held: about 10 million objects.
_PAUSE_SECONDS = 0.1

_MAX_ID = (1 << 64) - 1

_HOLDER = (
    "Only objects of this interpreter that the garbage collector tracks can be found. Anything "
    "else, such as a string, a number or a container of only these, is reached through its "
    "holder."
)

_REASONS = {
    walker.LOOKUP_UNKNOWN_ID: f"no snapshot of this process has shown the id {{id}}. {_HOLDER}",
    walker.LOOKUP_NOT_TRACKED: f"no tracked object has the id {{id}} now. {_HOLDER}",
    walker.LOOKUP_OTHER_TYPE: (
        "the object with the id {id} is not of the type {type}: another object has taken its "
        f"address, or the name differs from the snapshot's. {_HOLDER}"
    ),
    walker.LOOKUP_PAST_LIMIT: (
        "the object with the id {id} was not found within {seconds:g} s, the limit for stopping "
        f"the process. {_HOLDER}"
    ),
}


def find_object(object_id: int, type_name: str) -> list[object] | str:
    """Find a live object by its id and the name of its type, as snapshots show them.

    Snapshots may show objects of other interpreters too. Those are never returned: an
    object may only be used in the interpreter that made it.

    The first call may cost the pause of one fork, for the engine's self-test. Each call
    costs a walk over the collector's lists with the GIL held. The walk takes at most
    0.1 s of CPU time, or the pause budget if that is less.

    Returns:
        A list that holds the object, or a text that gives the reason for a failure.
    """
    status = engine_status()
    if not status.available:
        return f"ids cannot be looked up in this process. {status.reason}"
    seconds = pause.within_budget(_PAUSE_SECONDS)
    end, found = walker.LOOKUP_UNKNOWN_ID, None
    if 0 <= object_id <= _MAX_ID and "\0" not in type_name:
        end, found = walker.find_object(object_id, type_name, seconds)
    if end == walker.LOOKUP_FOUND:
        return [found]
    return _REASONS[end].format(id=object_id, type=type_name, seconds=seconds)


def find_instances(kind: type, seconds: float) -> tuple[list[Any], str | None]:
    """Find the instances of a type that this interpreter's collector tracks.

    Does not use ``gc.get_objects()``, which would add a reference to every object. A tuple
    that another thread is building must have only one reference, or that thread fails with
    SystemError.

    Costs the same as ``find_object``, within its own limit.

    Args:
        seconds: CPU time for which it may stop the process. The pause budget applies if it
            is less.

    Returns:
        The instances, and the reason if some are missing, else None.
    """
    status = engine_status()
    if not status.available:
        return [], f"The collector's lists cannot be searched in this process. {status.reason}"
    seconds = pause.within_budget(seconds)
    found, complete = walker.find_instances(kind, seconds)
    if complete:
        return found, None
    return found, (
        f"The heap is so large that its search ended after {seconds * 1000:g} ms, the limit for "
        "stopping the process."
    )
