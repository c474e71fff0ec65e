"""What holds an object, or the objects of a type, found by a forked child."""

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
    """What stands on a way."""

    OBJECT = walker.REFERRERS_OBJECT
    MODULES = walker.REFERRERS_MODULES
    """``sys.modules``."""
    INTERPRETER = walker.REFERRERS_INTERPRETER
    THREAD = walker.REFERRERS_THREAD
    FRAME = walker.REFERRERS_FRAME
    OWN = walker.REFERRERS_OWN
    """What only ops_service itself holds."""
    HELD_BY_C = walker.REFERRERS_HELD_BY_C
    """An object that has more references than the heap shows."""
    GARBAGE = walker.REFERRERS_GARBAGE
    """An object of a cycle that nothing holds, and that no collection took yet."""


@dataclass(frozen=True, slots=True)
class Step:
    """What stands on a way, and the reference by which the one before it leads here."""

    before: int
    """Number of the step before; 0 where the way begins."""
    what: StepKind
    object_id: int
    """As snapshots show it; 0 for what is no object."""
    type_name: str
    name: str
    """Of a class, its own; of a thread; of a frame, its function's. Else empty."""
    edge_kind: int
    """An ``EdgeKind``; 0 where the way begins, and behind steps that are left out."""
    edge_name: str
    element: int
    """Number of the element, where the reference is one."""
    left_out: int
    """Objects that stand in between and are not told."""


@dataclass(frozen=True, slots=True)
class ReferrerOptions:
    """What the search may take. Times in seconds."""

    time_limit: float = 10.0
    """When the search ends and tells what it has found by then."""
    lifetime_limit: float = 30.0
    """When the child is killed, with nothing to tell."""
    cpu_share: float = 0.25
    cgroup_root: Path = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Referrers:
    """Ways that lead to an object, or to objects of a type. Shortest ones first."""

    capture_time: float
    """Unix time of the clone."""
    pause: float
    """Seconds that the process stood still."""
    steps: dict[int, Step]
    """By number, those of all ways; the last of a way is not among them."""
    ways: tuple[Step, ...]
    """The last step of each. Of an object, one for each that refers to it; of a type,
    one for each object, or for some that lie spread over all."""
    object_count: int
    """Objects of the type; 1 for an object."""
    way_count: int
    """Ways that were found; more than ``ways`` if there were too many."""
    is_partial: bool
    """Whether the time was over before the search was."""
    warnings: tuple[str, ...]


def find_referrers(
    target: int | str,
    options: ReferrerOptions,
    cancelled: Callable[[], bool] = lambda: False,
) -> Referrers:
    """Find what holds an object, by its id, or the objects of a type, by its name.

    Blocks until the search is done. It costs what a snapshot does, but for the output.

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
                f"Within {options.time_limit:g} s the search met no such object, and it was not "
                "over. Give it a longer time_limit."
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
            f"No object has the id {target} now. Take one that a snapshot or a report of this "
            "process shows, and whose object still lives."
        )
    hint = f" Did you mean {' or '.join(suggestions)}?" if suggestions else ""
    return (
        f"No object is of a type named {target}. Give module and qualified name, as a summary "
        f"prints them.{hint}"
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
