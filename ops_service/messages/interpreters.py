"""The message on the interpreters of a process."""

from __future__ import annotations

from ops_service.heap.interpreters import Interpreters
from ops_service.v1 import process_pb2


def interpreters_message(
    counted: Interpreters | None, others_exist: bool | None
) -> process_pb2.Interpreters:
    """What is known of the interpreters. Nothing that is not known is set.

    Args:
        counted: None if they could not be counted.
        others_exist: Whether there are others than the main one; None if that is not known.
    """
    if counted is not None:
        return process_pb2.Interpreters(
            count=counted.count,
            own_gil_count=counted.other_gil_count,
            service_interpreter_id=counted.caller_id,
        )
    if others_exist is False:
        return process_pb2.Interpreters(count=1, own_gil_count=0, service_interpreter_id=0)
    if others_exist:
        reason = (
            "There is more than one. How many is not known: the snapshot engine, which counts "
            "them, cannot run here, or their number keeps changing."
        )
    else:
        reason = (
            "The snapshot engine, which counts them, cannot run here, and Python has no ctypes."
        )
    return process_pb2.Interpreters(unknown_reason=reason)
