"""From the id that a snapshot shows to the live object, and from a type to its instances."""

from __future__ import annotations

from typing import Any

from ops_service.heap import pause
from ops_service.heap.engine import engine_status
from ops_service.heap.walker import walker

# The collector's lists are walked with the GIL held: some 10 million objects.
_PAUSE_SECONDS = 0.1

_MAX_ID = (1 << 64) - 1

_HOLDER = (
    "Only what the garbage collector tracks can be found; anything else, such as a string, a "
    "number or a container of such alone, is reached through its holder."
)

_REASONS = {
    walker.LOOKUP_UNKNOWN_ID: f"no snapshot of this process has shown the id {{id}}. {_HOLDER}",
    walker.LOOKUP_NOT_TRACKED: f"no tracked object has the id {{id}} now. {_HOLDER}",
    walker.LOOKUP_OTHER_TYPE: (
        "the object with the id {id} is not of the type {type}, so its address was taken by "
        f"another one, or the name is not as the snapshot shows it. {_HOLDER}"
    ),
    walker.LOOKUP_PAST_LIMIT: (
        "the object with the id {id} was not found within {seconds:g} s, for which the process may "
        f"stand still. {_HOLDER}"
    ),
}


def find_object(object_id: int, type_name: str) -> list[object] | str:
    """Find a live object by its id and the name of its type, as snapshots show them.

    The first call may cost the pause of one fork, for the proof of the engine;
    each costs a walk over the collector's lists with the GIL held, at most 0.1 s of
    CPU time, or the budget of pauses where that is less.

    Returns:
        The object in a list, or a sentence that says why there is none.
    """
    status = engine_status()
    if not status.available:
        return f"ids cannot be looked up here. {status.reason}"
    seconds = pause.within_budget(_PAUSE_SECONDS)
    end, found = walker.LOOKUP_UNKNOWN_ID, None
    if 0 <= object_id <= _MAX_ID and "\0" not in type_name:
        end, found = walker.find_object(object_id, type_name, seconds)
    if end == walker.LOOKUP_FOUND:
        return [found]
    return _REASONS[end].format(id=object_id, type=type_name, seconds=seconds)


def find_instances(kind: type, seconds: float) -> tuple[list[Any], str | None]:
    """Find the instances of a type that the collector tracks.

    ``gc.get_objects()`` would refer to every object meanwhile. A tuple that another
    thread is building must have one reference alone, or it fails there with SystemError.

    Costs what ``find_object`` does, within a bound of its own.

    Args:
        seconds: CPU time for which the process may stand still, if the budget of
            pauses is not less.

    Returns:
        The instances, and a sentence that says why they are not all; None if they are.
    """
    status = engine_status()
    if not status.available:
        return [], f"The collector's lists cannot be searched here. {status.reason}"
    seconds = pause.within_budget(seconds)
    found, complete = walker.find_instances(kind, seconds)
    if complete:
        return found, None
    return found, (
        f"The heap is so large that a search of it was ended after {seconds * 1000:g} ms, for "
        "which the process may stand still."
    )
