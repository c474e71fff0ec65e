"""Finds what holds an object, or the objects of a type, with a forked child."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from ops_service.errors import Busy, ObjectNotFound, WalkFailed, WalkTimeout
from ops_service.heap import walk_slots
from ops_service.heap.admission import REFERRERS, require_engine, walk
from ops_service.heap.headroom import resident_bytes
from ops_service.heap.walker import walker

_BUSY_RETRY_SECONDS = 2.0
_MAX_ID = (1 << 32) - 1


class StepKind(IntEnum):
    """Kind of a step on a path."""

    OBJECT = walker.REFERRERS_OBJECT
    MODULES = walker.REFERRERS_MODULES
    """``sys.modules``."""
    INTERPRETER = walker.REFERRERS_INTERPRETER
    THREAD = walker.REFERRERS_THREAD
    FRAME = walker.REFERRERS_FRAME
    OWN = walker.REFERRERS_OWN
    """Objects that only ops_service itself holds."""
    HELD_BY_C = walker.REFERRERS_HELD_BY_C
    """An object that has more references than the heap shows."""
    GARBAGE = walker.REFERRERS_GARBAGE
    """An object of a cycle that nothing holds, and that no collection has freed yet."""
    OTHER_INTERPRETER = walker.REFERRERS_OTHER_INTERPRETER


@dataclass(frozen=True, slots=True)
class Step:
    """A step on a path, and the reference from the previous step to it."""

    before: int
    """Number of the previous step; 0 at the start of the path."""
    what: StepKind
    object_id: int
    """Id as in snapshots; 0 if the step is not an object."""
    type_name: str
    name: str
    """Name of a class or thread; function name of a frame; id of an interpreter. Else
    empty."""
    edge_kind: int
    """An ``EdgeKind``; 0 at the start of the path, and after steps that are left out."""
    edge_name: str
    element: int
    """Index of the element, if the reference is an element."""
    left_out: int
    """Number of objects in between that are not reported."""


@dataclass(frozen=True, slots=True)
class ReferrerOptions:
    """Limits of a search. Times in seconds."""

    time_limit: float = 10.0
    """Time after which the search ends, and reports what it has found so far."""
    lifetime_limit: float = 30.0
    """Time after which the child is killed, without a result."""
    cpu_share: float = 0.25
    cgroup_root: Path = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Referrers:
    """Paths to an object, or to objects of a type, shortest first."""

    capture_time: float
    """Unix time of the clone."""
    pause: float
    """Seconds for which the process was stopped."""
    steps: dict[int, Step]
    """Steps of all paths by number, without the last step of each path."""
    ways: tuple[Step, ...]
    """The last step of each path. For an object, one path for each referrer. For a type,
    one path for each object, or for a sample spread over all objects."""
    object_count: int
    """Objects of the type; 1 for an object."""
    way_count: int
    """Number of paths found; more than ``ways`` holds if there were too many."""
    is_partial: bool
    """Whether the search timed out before its end."""
    warnings: tuple[str, ...]


def find_referrers(
    target: int | str,
    options: ReferrerOptions,
    cancelled: Callable[[], bool] = lambda: False,
) -> Referrers:
    """Find what holds an object, by its id, or the objects of a type, by its name.

    Blocks until the search is done. Costs the same as a snapshot, except for the output.

    Raises:
        ObjectNotFound, PauseOverBudget, EngineUnavailable, Busy, InsufficientMemory,
        CloneRefused, WalkFailed, WalkTimeout, Cancelled.
    """
    resident = resident_bytes()
    require_engine(resident)
    if isinstance(target, int) and target > _MAX_ID:
        raise ObjectNotFound(_not_found(target, ()))
    if not walk_slots.take(REFERRERS.slot):
        raise Busy("A capture of this process is under way.", retry_after=_BUSY_RETRY_SECONDS)
    try:
        return _walk(target, options, resident, cancelled)
    finally:
        walk_slots.give_back(REFERRERS.slot)


def _walk(
    target: int | str, options: ReferrerOptions, resident: int, cancelled: Callable[[], bool]
) -> Referrers:
    sought = (target, "") if isinstance(target, int) else (0, target)
    detail = (*sought, options.time_limit)
    walked = walk(REFERRERS, options, resident, cancelled, detail=detail)
    found = _read(walked.output)
    if found.object_count == 0:
        if found.is_partial:
            raise WalkTimeout(
                f"Within {options.time_limit:g} s the search found no such object and did not "
                "finish. Set a longer time_limit."
            )
        raise ObjectNotFound(_not_found(target, found.suggestions))
    return Referrers(
        capture_time=walked.started,
        pause=walked.pause,
        steps=found.steps,
        ways=tuple(found.ways),
        object_count=found.object_count,
        way_count=found.way_count,
        is_partial=found.is_partial,
        warnings=walked.end.warnings(),
    )


def _not_found(target: int | str, suggestions: tuple[str, ...]) -> str:
    if isinstance(target, int):
        return (
            f"No object has the id {target} now. Use the id of a live object from a snapshot or "
            "report of this process."
        )
    hint = f" Did you mean {' or '.join(suggestions)}?" if suggestions else ""
    return (
        f"No object is of a type named {target}. Give the module and qualified name, as in a "
        f"summary.{hint}"
    )


# ---- the child's output, as emit_referrers.c writes it ---------------------------------

_NUMBER = struct.Struct("<I")
_STEP = struct.Struct("<IIBIIHHH")
_END = struct.Struct("<QQQB")
_TEXT = struct.Struct("<H")


class _Output:
    def __init__(self) -> None:
        self.steps: dict[int, Step] = {}
        self.ways: list[Step] = []
        self.suggestions: tuple[str, ...] = ()
        self.object_count = 0
        self.way_count = 0
        self.is_partial = False


def _read(output: bytes) -> _Output:
    found = _Output()
    position = 0

    def text(length: int) -> str:
        nonlocal position
        position += length
        return output[position - length : position].decode(errors="replace")

    try:
        while (record := output[position]) != walker.REFERRERS_END:
            position += 1
            if record == walker.REFERRERS_TYPE:
                (length,) = _TEXT.unpack_from(output, position)
                position += _TEXT.size
                found.suggestions += (text(length),)
                continue
            number = 0
            if not record & walker.REFERRERS_WAY:
                (number,) = _NUMBER.unpack_from(output, position)
                position += _NUMBER.size
            before, object_id, kind, element, left_out, *lengths = _STEP.unpack_from(
                output, position
            )
            position += _STEP.size
            type_name, name, edge_name = map(text, lengths)
            what = StepKind(record & ~walker.REFERRERS_WAY)
            step = Step(
                before, what, object_id, type_name, name, kind, edge_name, element, left_out
            )
            if number:
                found.steps[number] = step
            else:
                found.ways.append(step)
        found.object_count, found.way_count, _, partial = _END.unpack_from(output, position + 1)
    except (struct.error, IndexError, ValueError):
        raise WalkFailed("The walking child's output ends too early.") from None
    found.is_partial = bool(partial)
    return found
