"""Admits a walk: its pause, the engine, its memory, its CPU time, its place.

Every walk goes through here: snapshot, summary, growth sample, search for referrers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Protocol

from ops_service.errors import EngineUnavailable
from ops_service.heap import cgroup, headroom, pause, walk_slots
from ops_service.heap.cgroup import CpuQuota
from ops_service.heap.child import ChildEnd, WalkBounds, WalkChild
from ops_service.heap.engine import engine_status
from ops_service.heap.headroom import Cost
from ops_service.heap.spending import cpu_rate


class WalkLimits(Protocol):
    """What a walk may take. The options of each kind have these."""

    @property
    def lifetime_limit(self) -> float: ...

    @property
    def cpu_share(self) -> float: ...

    @property
    def cgroup_root(self) -> Path: ...


@dataclass(frozen=True, slots=True)
class WalkKind:
    """What differs between kinds of walks before they start."""

    name: str
    """For the text of a refusal."""
    slot: str
    cost: Callable[[Cost], int]
    """Bytes that it is estimated to take."""


SNAPSHOT = WalkKind("snapshot", walk_slots.SNAPSHOT, attrgetter("snapshot"))
SUMMARY = WalkKind("summary", walk_slots.CENSUS, attrgetter("census"))
GROWTH = WalkKind("growth sample", walk_slots.GROWTH, attrgetter("growth"))
# Like a snapshot it numbers regions of memory, which one child at a time may do.
REFERRERS = WalkKind("search for referrers", walk_slots.SNAPSHOT, attrgetter("snapshot"))


@dataclass(frozen=True, slots=True)
class Admitted:
    """A walk that may start."""

    resident: int
    """Resident bytes of the process before the clone."""
    bounds: WalkBounds
    quota: CpuQuota


@dataclass(frozen=True, slots=True)
class Walked:
    """A walk that ended well. Times in seconds."""

    started: float
    """Unix time of the clone."""
    pause: float
    resident: int
    output: bytes
    end: ChildEnd


def require_engine(resident: int) -> None:
    """Pass if a walk of so many resident bytes may stop the process, and can run at all.

    The pause comes first, since the engine proves itself by a clone.

    Raises:
        PauseOverBudget, EngineUnavailable.
    """
    pause.admit(resident)
    status = engine_status()
    if not status.available:
        raise EngineUnavailable(status.reason)


def admit(kind: WalkKind, limits: WalkLimits, resident: int, max_objects: int = 0) -> Admitted:
    """Admit a walk that holds its slot, and reserve its memory there.

    Args:
        resident: Resident bytes of the process, read just now.
        max_objects: Where a snapshot is cut; 0 takes all objects.

    Raises:
        PauseOverBudget, InsufficientMemory.
    """
    pause.admit(resident)
    cost = headroom.estimate(resident, max_objects)
    room = headroom.headroom(limits.cgroup_root)
    reserved = walk_slots.reserved_by_others(kind.slot)
    needed = kind.cost(cost)
    table_bytes = headroom.admit(needed, reserved, room, cost, kind.name)
    quota = cgroup.cpu_quota(limits.cgroup_root)
    walk_slots.reserve(kind.slot, needed)
    bounds = WalkBounds(
        lifetime=limits.lifetime_limit,
        table_bytes=table_bytes,
        copied_bytes=headroom.copied_limit(reserved, room, cost),
        memory=room.bounds,
        cpu_rate=cpu_rate(quota, limits.cpu_share),
    )
    return Admitted(resident, bounds, quota)


def walk(
    kind: WalkKind,
    limits: WalkLimits,
    resident: int,
    start: Callable[[Admitted], WalkChild],
    cancelled: Callable[[], bool],
) -> Walked:
    """Admit a walk that holds its slot, and run it to its end. Blocks.

    Raises:
        PauseOverBudget, InsufficientMemory, CloneRefused, WalkFailed, WalkTimeout, Cancelled.
    """
    child = start(admit(kind, limits, resident))
    try:
        output = bytearray()
        while data := child.read(cancelled):
            output += data
        end = child.finish()
    finally:
        child.close()
    return Walked(child.started, child.pause, resident, bytes(output), end)
