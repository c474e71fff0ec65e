"""Counts and sizes of live objects by type."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ops_service.errors import (
    Cancelled,
    CloneRefused,
    EngineUnavailable,
    OpsServiceError,
    WalkFailed,
)
from ops_service.heap import headroom, walk_slots
from ops_service.heap.admission import SUMMARY, require_engine, walk
from ops_service.heap.model import Census, CensusOptions, TypeCount, WalkMode
from ops_service.heap.walker import walker

_POLL_SECONDS = 0.05
_RECORD = struct.Struct("<QQQBHH")
_END = bytes(8)
_DEFAULTS = CensusOptions()


def take_census(
    *,
    allow_pause: bool = False,
    cancel: threading.Event | None = None,
    options: CensusOptions = _DEFAULTS,
) -> Census:
    """Count every live object by type, in a forked child.

    Blocks until the census is complete. Calls that arrive while a census runs share
    its result. If no child can be cloned and ``allow_pause`` is true,
    ``objgraph.typestats`` counts in the process.

    Args:
        allow_pause: Whether the process may pause for the whole count.
        cancel: When set, the call raises ``Cancelled``. The child is killed unless
            other callers wait for it.
        options: Resource limits of the child.

    Raises:
        PauseOverBudget, EngineUnavailable, InsufficientMemory, CloneRefused,
        WalkFailed, WalkTimeout, Cancelled.
    """
    resident = headroom.resident_bytes()
    try:
        # The pause budget for the clone applies even if the caller allows a pause.
        require_engine(resident)
        return _shared_census(cancel or threading.Event(), options, resident)
    except (EngineUnavailable, CloneRefused):
        if not allow_pause:
            raise
        return census_by_objgraph()


# ---- sharing -----------------------------------------------------------------------


class _Flight:
    """A running census, and the callers that wait for it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.waiting = 1
        self.done = threading.Event()
        self.result: Census | OpsServiceError | None = None

    def outcome(self) -> Census:
        if isinstance(self.result, Census):
            return self.result
        if isinstance(self.result, OpsServiceError):
            raise self.result.without_traceback()
        raise WalkFailed("The census ended without a result.")


_lock = threading.Lock()
_flight: _Flight | None = None


def _shared_census(cancel: threading.Event, options: CensusOptions, resident: int) -> Census:
    global _flight
    with _lock:
        flight, leads = _flight, False
        # A forked process may have inherited a census of its parent.
        if flight is None or flight.owner != os.getpid():
            flight = _flight = _Flight()
            leads = True
            walk_slots.take(SUMMARY.slot)
        else:
            flight.waiting += 1
    if leads:
        return _lead(flight, cancel, options, resident)
    while not flight.done.wait(_POLL_SECONDS):
        if cancel.is_set():
            with _lock:
                flight.waiting -= 1
            raise Cancelled("The census was cancelled.")
    return flight.outcome()


def _lead(
    flight: _Flight, cancel: threading.Event, options: CensusOptions, resident: int
) -> Census:
    global _flight

    def abandoned() -> bool:
        with _lock:
            return flight.waiting <= (1 if cancel.is_set() else 0)

    try:
        flight.result = _walk(abandoned, options, resident)
    except OpsServiceError as error:
        flight.result = error.without_traceback()
    finally:
        with _lock:
            walk_slots.give_back(SUMMARY.slot)
            if _flight is flight:
                _flight = None
        flight.done.set()
    return flight.outcome()


# ---- one census -----------------------------------------------------------------------


def _walk(abandoned: Callable[[], bool], options: CensusOptions, resident: int) -> Census:
    walked = walk(SUMMARY, options, resident, abandoned)
    types, own_types = _types(walked.output)
    return Census(
        capture_time=walked.started,
        mode=WalkMode.FORKED,
        pause=walked.pause,
        types=types,
        own_types=own_types,
        object_count=sum(each.count for each in types),
        total_size=sum(each.total_size for each in types),
        resident_bytes=resident,
        warnings=walked.end.warnings(),
    )


@dataclass(slots=True)
class _Sum:
    count: int = 0
    size: int = 0
    extra: int = 0
    estimated: bool = False


def _types(output: bytes) -> tuple[tuple[TypeCount, ...], tuple[TypeCount, ...]]:
    """Parse the records of emit_census.c, and add up types that share a name.

    Returns:
        The application's types, and the types of ops_service itself.
    """
    sums: tuple[dict[str, _Sum], dict[str, _Sum]] = ({}, {})
    position = 0
    while output[position : position + 8] != _END:
        if len(output) - position < _RECORD.size:
            raise WalkFailed("The walking child's output ends in the middle of a record.")
        count, size, extra, bits, *lengths = _RECORD.unpack_from(output, position)
        position += _RECORD.size
        texts = []
        for length in lengths:
            texts.append(output[position : position + length].decode(errors="replace"))
            position += length
        merged = sums[1 if bits & walker.CENSUS_OWN else 0].setdefault(
            ".".join(filter(None, texts)), _Sum()
        )
        merged.count += count
        merged.size += size
        merged.extra += extra
        merged.estimated |= bool(bits & walker.CENSUS_ESTIMATED)
    return _sorted(sums[0]), _sorted(sums[1])


def _sorted(sums: dict[str, _Sum]) -> tuple[TypeCount, ...]:
    rows = [
        TypeCount(name, each.count, each.size, each.extra, each.estimated)
        for name, each in sums.items()
    ]
    rows.sort(key=lambda row: (-row.total_size, -row.count, row.type_name))
    return tuple(rows)


def census_by_objgraph() -> Census:
    """Count in the process, which pauses meanwhile. Tracked objects only, no sizes."""
    import objgraph

    started, begin = time.time(), time.monotonic()
    counts = objgraph.typestats(shortnames=False)
    pause = time.monotonic() - begin
    types = [
        TypeCount(name.removeprefix("builtins."), count, 0, 0, False)
        for name, count in counts.items()
    ]
    types.sort(key=lambda row: (-row.count, row.type_name))
    return Census(
        capture_time=started,
        mode=WalkMode.OBJGRAPH,
        pause=pause,
        types=tuple(types),
        own_types=(),
        object_count=sum(counts.values()),
        total_size=0,
        resident_bytes=headroom.resident_bytes(),
        warnings=(
            "Counted by objgraph: only objects that the garbage collector tracks, no sizes.",
        ),
    )
