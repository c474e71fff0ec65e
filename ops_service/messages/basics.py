"""Converts between plain Python values and messages of the contract."""

from __future__ import annotations

from typing import Protocol

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from ops_service.errors import InvalidRequest
from ops_service.heap.model import ContentLevel, Contents, GcMoment, Sites, WalkMode
from ops_service.process.command import Setting
from ops_service.v1 import heap_graph_pb2, heap_pb2, process_pb2

_MAX_WARNINGS = 100

CENSUS_METHODS: dict[WalkMode, heap_pb2.CensusMethod] = {
    WalkMode.FORKED: heap_pb2.CENSUS_METHOD_FORKED_WALK,
    WalkMode.OBJGRAPH: heap_pb2.CENSUS_METHOD_OBJGRAPH,
}

CAPTURE_MODES: dict[WalkMode, heap_graph_pb2.CaptureMode] = {
    WalkMode.FORKED: heap_graph_pb2.CAPTURE_MODE_FORKED,
}

ALLOCATION_SITES: dict[Sites, heap_graph_pb2.AllocationSites] = {
    Sites.NOT_TRACED: heap_graph_pb2.ALLOCATION_SITES_NOT_TRACED,
    Sites.INCLUDED: heap_graph_pb2.ALLOCATION_SITES_INCLUDED,
    Sites.OUT_OF_REACH: heap_graph_pb2.ALLOCATION_SITES_OUT_OF_REACH,
}

GC_MOMENTS: dict[heap_graph_pb2.GcMoment, GcMoment] = {
    heap_graph_pb2.GC_MOMENT_UNSPECIFIED: GcMoment.NOW,
    heap_graph_pb2.GC_MOMENT_NOW: GcMoment.NOW,
    heap_graph_pb2.GC_MOMENT_COLLECT_FIRST: GcMoment.COLLECT_FIRST,
    heap_graph_pb2.GC_MOMENT_AFTER_NEXT_FULL_COLLECTION: GcMoment.AFTER_NEXT_FULL_COLLECTION,
}

CONTENT_LEVELS: dict[ContentLevel, heap_graph_pb2.ContentLevel] = {
    ContentLevel.NONE: heap_graph_pb2.CONTENT_LEVEL_NONE,
    ContentLevel.KEYS: heap_graph_pb2.CONTENT_LEVEL_KEYS,
    ContentLevel.VALUES: heap_graph_pb2.CONTENT_LEVEL_VALUES,
}

_LEVELS_ASKED_FOR = {
    heap_graph_pb2.CONTENT_LEVEL_UNSPECIFIED: ContentLevel.NONE,
    **{asked: level for level, asked in CONTENT_LEVELS.items()},
}


def duration(seconds: float) -> Duration:
    """A Duration of this many seconds."""
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message


def timestamp(unix_time: float) -> Timestamp:
    """A Timestamp of a Unix time in seconds."""
    message = Timestamp()
    message.FromNanoseconds(round(unix_time * 1e9))
    return message


def clean(text: str) -> str:
    """Escape lone surrogates in a text. Protobuf refuses them, and file names, thread
    names and other texts of the application may contain them."""
    return text.encode("utf-8", "backslashreplace").decode()


class Identified(Protocol):
    """What identifies a process: this one, a worker beside it, or one that left a store."""

    @property
    def instance_id(self) -> str: ...

    @property
    def pid(self) -> int: ...

    @property
    def host_name(self) -> str: ...

    @property
    def start_time(self) -> float | None: ...


def process_id(identity: Identified) -> process_pb2.ProcessId:
    """The process identity that every reply carries."""
    message = process_pb2.ProcessId(
        instance_id=identity.instance_id, pid=identity.pid, host_name=identity.host_name
    )
    if identity.start_time is not None:
        message.start_time.CopyFrom(timestamp(identity.start_time))
    return message


def seconds_field(
    message: Duration, *, is_set: bool, field: str, default: float, low: float, high: float
) -> float:
    """Seconds of a Duration in a request, or the default if it is not set.

    Raises:
        InvalidRequest: It is out of bounds. Names the field and the bounds.
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
    """A count in a request, or the default if it is 0.

    Raises:
        InvalidRequest: It is over the bound.
    """
    if value > high:
        raise InvalidRequest(
            f"{field} is {value}; choose at most {high}.", details={"field": field}
        )
    return value or default


def contents(request: heap_pb2.CaptureHeapSnapshotRequest) -> Contents:
    """Options for contents, from a capture request.

    Raises:
        InvalidRequest: The limit is over its bound.
    """
    limit = limit_field(request.content_limit, field="content_limit", default=64, high=4096)
    return Contents(_LEVELS_ASKED_FOR[request.content_level], limit, request.hash_strings)


def add_warning(warnings: list[str], text: str) -> None:
    """Add a warning. The number of warnings is bounded; the last one says so."""
    if len(warnings) < _MAX_WARNINGS:
        warnings.append(text)
    elif len(warnings) == _MAX_WARNINGS:
        warnings.append("Further warnings were left out.")


def start_settings(settings: list[Setting]) -> list[process_pb2.StartSetting]:
    """The arguments or environment variables that the process was started with."""
    return [
        process_pb2.StartSetting(
            name=clean(each.name), value=None if each.value is None else clean(each.value)
        )
        for each in settings
    ]
