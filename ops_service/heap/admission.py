"""Admits a walk: checks its pause, the engine, its memory, its CPU time and its slot.

Every walk passes through here: snapshot, summary, growth sample, search for referrers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ops_service.errors import EngineUnavailable
from ops_service.heap import cgroup, headroom, pause, walk_slots
from ops_service.heap.cgroup import CpuQuota
from ops_service.heap.child_handle import ChildEnd, WalkBounds, WalkChild, WalkKind
from ops_service.heap.engine import engine_status
from ops_service.heap.headroom import Cost
from ops_service.heap.spending import cpu_rate

if TYPE_CHECKING:
    from ops_service.heap._walker import PathTable


class WalkLimits(Protocol):
    """Limits of a walk. The options of each kind have these fields."""

    @property
    def lifetime_limit(self) -> float: ...

    @property
    def cpu_share(self) -> float: ...

    @property
    def cgroup_root(self) -> Path: ...


@dataclass(frozen=True, slots=True)
class Purpose:
    """Purpose of a walk, with the properties that matter before the walk starts."""

    name: str
    """Name of the purpose in the text of a refusal."""
    kind: WalkKind
    slot: str
    cost: Callable[[Cost], int]
    """Estimated bytes of the walk."""


SNAPSHOT = Purpose("snapshot", WalkKind.SNAPSHOT, walk_slots.SNAPSHOT, attrgetter("snapshot"))
SUMMARY = Purpose("summary", WalkKind.CENSUS, walk_slots.CENSUS, attrgetter("census"))
GROWTH = Purpose("growth sample", WalkKind.GROWTH, walk_slots.GROWTH, attrgetter("growth"))
# It numbers regions of memory like a snapshot. Only one child at a time may do that.
REFERRERS = Purpose(
    "search for referrers", WalkKind.REFERRERS, walk_slots.SNAPSHOT, attrgetter("snapshot")
)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A walk that may start."""

    bounds: WalkBounds
    quota: CpuQuota


@dataclass(frozen=True, slots=True)
class Walked:
    """A completed walk. Times in seconds."""

    started: float
    """Unix time of the clone."""
    pause: float
    output: bytes
    end: ChildEnd


def require_engine(resident: int) -> None:
    """Check that a walk may stop the process, and that the engine can run.

    Checks the pause first, because the engine tests itself with a clone.

    Args:
        resident: Resident bytes of the process.

    Raises:
        PauseOverBudget, EngineUnavailable.
    """
    pause.admit(resident)
    status = engine_status()
    if not status.available:
        raise EngineUnavailable(status.reason)


def admit(purpose: Purpose, limits: WalkLimits, resident: int, max_objects: int = 0) -> Admitted:
    """Admit a walk that holds its slot, and reserve its memory in the slot.

    Args:
        resident: Resident bytes of the process, read just before.
        max_objects: Maximum number of objects of a snapshot; 0 means all objects.

    Raises:
        PauseOverBudget, InsufficientMemory.
    """
    pause.admit(resident)
    cost = headroom.estimate(resident, max_objects)
    room = headroom.headroom(limits.cgroup_root)
    reserved = walk_slots.reserved_by_others(purpose.slot)
    needed = purpose.cost(cost)
    table_bytes = headroom.admit(needed, reserved, room, cost, purpose.name)
    quota = cgroup.cpu_quota(limits.cgroup_root)
    walk_slots.reserve(purpose.slot, needed)
    bounds = WalkBounds(
        lifetime=limits.lifetime_limit,
        table_bytes=table_bytes,
        copied_bytes=headroom.copied_limit(reserved, room, cost),
        memory=room.bounds,
        cpu_rate=cpu_rate(quota, limits.cpu_share),
    )
    return Admitted(bounds, quota)


def walk(
    purpose: Purpose,
    limits: WalkLimits,
    resident: int,
    cancelled: Callable[[], bool],
    *,
    detail: tuple[object, ...] | PathTable | None = None,
    site: tuple[object, str, int] | None = None,
) -> Walked:
    """Admit a walk that holds its slot, and run it to the end. Blocks.

    Args:
        detail: Input that only this kind of walk needs, see `WalkKind`.
        site: An object, and its allocation site according to tracemalloc.

    Raises:
        PauseOverBudget, InsufficientMemory, CloneRefused, WalkFailed, WalkTimeout, Cancelled.
    """
    admitted = admit(purpose, limits, resident)
    child = WalkChild().start(purpose.kind, admitted.bounds, resident, detail, site)
    try:
        output = bytearray()
        while data := child.read(cancelled):
            output += data
        end = child.finish()
    finally:
        child.close()
    return Walked(child.started, child.pause, bytes(output), end)
