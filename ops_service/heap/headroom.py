"""Free memory, and the estimated memory of a walk.

A walking child costs its own tables, and a copy of every page that the process
writes to while the child lives.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ops_service.errors import InsufficientMemory
from ops_service.heap import cgroup
from ops_service.heap.allocated import allocated_blocks

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_MEMINFO = Path("/proc/meminfo")
_RESERVE_BYTES = 64 << 20
_RESERVE_SHARE = 0.05
_CHILD_SHARE = 0.5
"""Share of the free memory for a child's tables. Past it the child ends itself."""

_SNAPSHOT_BYTES_PER_BLOCK = 32
# Assumed where the number of blocks is not known.
_RESIDENT_BYTES_PER_BLOCK = 64
# Higher, because a cut snapshot also looks up the referents of its objects.
_SNAPSHOT_BYTES_PER_CUT_OBJECT = 64
_SNAPSHOT_FIXED = 12 << 20
# Step for the advice: fewer objects are not worth a snapshot, and round numbers are easy
# to read.
_CUT_STEP = 10_000
_CENSUS_SHARE = 0.03
_CENSUS_FIXED = 4 << 20
# The table of paths with its index; it is full at a million paths.
_GROWTH_FIXED = 48 << 20
_COPIED_SHARE = 0.05
"""Estimate of the pages that a process writes to during a walk, as a share of its memory.
If it is more, the child ends itself before memory runs out."""
_COPIED_FREE_SHARE = 0.25
"""Share of the free memory for copied pages. Past it the child ends itself."""
_UNKNOWN = 1 << 60

MemoryBound = tuple[str, str, str, int]
"""A bound that the child checks: usage file, file and field of reclaimable memory, maximum
bytes. Or: a file, "", its field, minimum bytes."""


@dataclass(frozen=True, slots=True)
class Headroom:
    """Free memory after the reserve, in bytes."""

    free: int
    limit: int
    """A control group's limit, or the system's memory."""
    source: str
    bounds: tuple[MemoryBound, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """Estimated cost of each kind of walk, in bytes."""

    snapshot: int
    census: int
    growth: int
    copied: int
    """Part of each of them: pages that the process writes to meanwhile."""


def resident_bytes() -> int:
    """Resident set size of this process; 0 if the system does not report it."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0


def estimate(resident: int, max_objects: int = 0) -> Cost:
    """Estimate the cost of walks of this process.

    Args:
        resident: Its resident bytes.
        max_objects: Maximum number of objects of the snapshot; 0 means all. Few objects
            that lie far apart can need larger tables than this estimate. The child may
            still take its share of the free memory. Past that it ends itself.
    """
    copied = int(resident * _COPIED_SHARE)
    blocks = allocated_blocks()
    if blocks is None:
        blocks = resident // _RESIDENT_BYTES_PER_BLOCK
    tables = blocks * _SNAPSHOT_BYTES_PER_BLOCK
    if max_objects:
        tables = min(tables, max_objects * _SNAPSHOT_BYTES_PER_CUT_OBJECT)
    return Cost(
        snapshot=tables + copied + _SNAPSHOT_FIXED,
        census=int(resident * _CENSUS_SHARE) + copied + _CENSUS_FIXED,
        growth=int(resident * _CENSUS_SHARE) + copied + _GROWTH_FIXED,
        copied=copied,
    )


def headroom(cgroup_root: Path = cgroup.ROOT) -> Headroom:
    """Read the free memory under the system's and the control groups' limits."""
    rooms = [_system()]
    for each in cgroup.memory_limits(cgroup_root):
        reserve = _reserve(each.limit)
        bound = (
            str(each.usage_path),
            str(each.stat_path),
            each.reclaimable_field,
            max(each.limit - reserve, 0),
        )
        free = each.limit - each.usage + each.reclaimable - reserve
        rooms.append(Headroom(free, each.limit, "limit of the control group", (bound,)))
    tightest = min(rooms, key=lambda room: room.free)
    bounds = tuple(bound for room in rooms for bound in room.bounds)
    return Headroom(tightest.free, tightest.limit, tightest.source, bounds)


def admit(needed: int, reserved: int, room: Headroom, cost: Cost, what: str) -> int:
    """Refuse a walk that does not fit.

    Args:
        needed: Estimated bytes of the walk.
        reserved: Estimated bytes of other running walks.
        room: Free memory.
        cost: Estimated cost of each kind of walk.
        what: Name of this kind, for the text of the refusal.

    Returns:
        Bytes that the child's tables may take.

    Raises:
        InsufficientMemory: The text has the figures, and the walks that still fit.
    """
    free = max(room.free - reserved, 0)
    if needed > free:
        raise InsufficientMemory(
            f"A {what} is estimated to take {needed >> 20} MiB, and {free >> 20} MiB are left of "
            f"{room.limit >> 20} MiB ({room.source}) after the reserve. "
            f"Walks that still fit: {_what_fits(free, cost, what)}. GetMemory reports the parts "
            "of the memory at any time.",
            retry_after=30.0,
            details={"needed_bytes": str(needed), "free_bytes": str(free)},
        )
    return max(needed, int(free * _CHILD_SHARE))


def _what_fits(free: int, cost: Cost, what: str) -> str:
    fits = []
    objects = (free - cost.copied - _SNAPSHOT_FIXED) // _SNAPSHOT_BYTES_PER_CUT_OBJECT
    objects -= objects % _CUT_STEP
    if what == "snapshot" and objects > 0:
        fits.append(f"a snapshot with max_objects up to {objects:,}")
    if what != "summary" and cost.census <= free:
        fits.append("a summary")
    return ", ".join(fits) or "none"


def copied_limit(reserved: int, room: Headroom, cost: Cost) -> int:
    """Bytes that may exist twice because of a child. Past it the child ends itself."""
    return max(cost.copied, int((room.free - reserved) * _COPIED_FREE_SHARE))


def _reserve(limit: int) -> int:
    return max(_RESERVE_BYTES, int(limit * _RESERVE_SHARE))


def system_bytes(*names: str) -> tuple[int, ...]:
    """Figures of ``/proc/meminfo``, in bytes.

    Raises:
        OSError, KeyError, ValueError: The system does not tell.
    """
    fields = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
    return tuple(int(fields[name].split()[0]) * 1024 for name in names)


def _system() -> Headroom:
    try:
        free, total = system_bytes("MemAvailable", "MemTotal")
    except (OSError, KeyError, ValueError):
        return Headroom(_UNKNOWN, _UNKNOWN, "unknown", ())
    reserve = _reserve(total)
    bound = (str(_MEMINFO), "", "MemAvailable", reserve)
    return Headroom(free - reserve, total, "memory of the system", (bound,))
