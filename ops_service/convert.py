"""Between plain Python values and messages of the contract."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from ops_service.errors import InvalidRequest
from ops_service.heap.model import GcMoment, WalkMode
from ops_service.process.identity import ProcessIdentity
from ops_service.v1 import heap_graph_pb2, heap_pb2, process_pb2

CENSUS_METHODS: dict[WalkMode, heap_pb2.CensusMethod] = {
    WalkMode.FORKED: heap_pb2.CENSUS_METHOD_FORKED_WALK,
    WalkMode.IN_PROCESS: heap_pb2.CENSUS_METHOD_IN_PROCESS_WALK,
    WalkMode.OBJGRAPH: heap_pb2.CENSUS_METHOD_OBJGRAPH,
}

CAPTURE_MODES: dict[WalkMode, heap_graph_pb2.CaptureMode] = {
    WalkMode.FORKED: heap_graph_pb2.CAPTURE_MODE_FORKED,
    WalkMode.IN_PROCESS: heap_graph_pb2.CAPTURE_MODE_IN_PROCESS,
}

GC_MOMENTS: dict[heap_graph_pb2.GcMoment, GcMoment] = {
    heap_graph_pb2.GC_MOMENT_UNSPECIFIED: GcMoment.NOW,
    heap_graph_pb2.GC_MOMENT_NOW: GcMoment.NOW,
    heap_graph_pb2.GC_MOMENT_COLLECT_FIRST: GcMoment.COLLECT_FIRST,
    heap_graph_pb2.GC_MOMENT_AFTER_NEXT_FULL_COLLECTION: GcMoment.AFTER_NEXT_FULL_COLLECTION,
}


def duration(seconds: float) -> Duration:
    """A Duration of so many seconds."""
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message


def timestamp(unix_time: float) -> Timestamp:
    """A Timestamp of a Unix time in seconds."""
    message = Timestamp()
    message.FromNanoseconds(round(unix_time * 1e9))
    return message


def process_id(identity: ProcessIdentity) -> process_pb2.ProcessId:
    """The identity that every reply names."""
    message = process_pb2.ProcessId(
        instance_id=identity.instance_id, pid=identity.pid, host_name=identity.host_name
    )
    if identity.start_time is not None:
        message.start_time.CopyFrom(timestamp(identity.start_time))
    return message


def seconds_field(
    message: Duration, *, is_set: bool, field: str, default: float, low: float, high: float
) -> float:
    """Seconds of a Duration in a request, or the default where it is not set.

    Raises:
        InvalidRequest: It lies outside the bounds. Names the field and the bounds.
    """
    if not is_set:
        return default
    seconds = message.seconds + message.nanos / 1e9
    if not low <= seconds <= high:
        raise InvalidRequest(
            f"{field} is {seconds:g} s; choose from {low:g} s to {high:g} s.",
            details={"field": field},
        )
    return seconds


def limit_field(value: int, *, field: str, default: int, high: int) -> int:
    """A count in a request, or the default where it is 0.

    Raises:
        InvalidRequest: It is over the bound.
    """
    if value > high:
        raise InvalidRequest(
            f"{field} is {value}; choose at most {high}.", details={"field": field}
        )
    return value or default
