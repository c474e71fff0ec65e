"""How much memory is left, and what a walk would take of it.

A walking child costs its own tables, and a copy of every page that the process
writes to while the child lives.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ops_service.errors import InsufficientMemory

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_RESERVE_BYTES = 64 << 20
_RESERVE_SHARE = 0.05
_CHILD_SHARE = 0.5
"""Share of the free memory that a child's tables may take before it ends itself."""

_SNAPSHOT_BYTES_PER_BLOCK = 32
_SNAPSHOT_FIXED = 24 << 20
_CENSUS_SHARE = 0.03
_CENSUS_FIXED = 8 << 20
_COPIED_SHARE = 0.05
"""Pages that a process writes to during a walk, as a share of its memory; what
the child's own end bounds when it turns out to be more."""
_UNLIMITED = 1 << 60


@dataclass(frozen=True, slots=True)
class Headroom:
    """Memory that is left, in bytes, after the reserve."""

    free: int
    limit: int
    """What bounds it: the control group's limit, or the system's memory."""
    source: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What a walk is estimated to take, in bytes."""

    snapshot: int
    census: int


def resident_bytes() -> int:
    """Resident set size of this process; 0 if the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0


def estimate() -> Cost:
    """Estimate what a snapshot and a census of this process would take."""
    resident = resident_bytes()
    copied = int(resident * _COPIED_SHARE)
    tables = sys.getallocatedblocks() * _SNAPSHOT_BYTES_PER_BLOCK
    return Cost(
        snapshot=tables + copied + _SNAPSHOT_FIXED,
        census=int(resident * _CENSUS_SHARE) + copied + _CENSUS_FIXED,
    )


def headroom(
    cgroup_root: Path = Path("/sys/fs/cgroup"),
    meminfo: Path = Path("/proc/meminfo"),
    membership: Path = Path("/proc/self/cgroup"),
) -> Headroom:
    """Read what is left of the system's memory and of the control groups' limits."""
    rooms = [_system(meminfo), *_control_groups(cgroup_root, membership)]
    return min(rooms, key=lambda room: room.free)


def admit(needed: int, reserved: int, room: Headroom, cost: Cost, what: str) -> int:
    """Refuse a walk that does not fit.

    Args:
        needed: Bytes that it is estimated to take.
        reserved: Bytes that other walks under way are estimated to take.

    Returns:
        Bytes that the child's tables may take.

    Raises:
        InsufficientMemory: with the figures, and what still fits.
    """
    free = room.free - reserved
    if needed > free:
        fits = (
            "a summary would fit" if what != "summary" and cost.census <= free else "no walk fits"
        )
        raise InsufficientMemory(
            f"A {what} is estimated to take {_mib(needed)} MiB and {_mib(max(free, 0))} MiB are "
            f"left of {_mib(room.limit)} MiB ({room.source}), the reserve put aside; {fits}.",
            retry_after=30.0,
            details={"needed_bytes": str(needed), "free_bytes": str(max(free, 0))},
        )
    return max(needed, int(free * _CHILD_SHARE))


def _mib(size: int) -> int:
    return size >> 20


def _room(free: int, limit: int, source: str) -> Headroom:
    reserve = max(_RESERVE_BYTES, int(limit * _RESERVE_SHARE))
    return Headroom(free - reserve, limit, source)


def _system(meminfo: Path) -> Headroom:
    try:
        fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        free = int(fields["MemAvailable"].split()[0]) * 1024
        total = int(fields["MemTotal"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return Headroom(_UNLIMITED, _UNLIMITED, "unknown")
    return _room(free, total, "memory of the system")


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        # "max" stands for no limit.
        return None


def _statistic(path: Path, name: str) -> int:
    try:
        for line in path.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    except (OSError, ValueError):
        pass
    return 0


def _control_groups(root: Path, membership: Path) -> list[Headroom]:
    """Every level of the groups that this process is in, both versions."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return []
    rooms: list[Headroom] = []
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0" and controllers == "":
            base, limit, usage, stale = root, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            base, limit, usage = root / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            stale = "total_inactive_file"
        else:
            continue
        # In a container the path may be the host's, and the group is the root.
        group = base / path.lstrip("/")
        for level in dict.fromkeys((group, *group.parents, base)):
            if level != base and base not in level.parents:
                continue
            most, used = _number(level / limit), _number(level / usage)
            if most is None or used is None or most >= _UNLIMITED:
                continue
            # Pages of files that nobody uses are given back before anybody is killed.
            free = most - used + _statistic(level / "memory.stat", stale)
            rooms.append(_room(free, most, "limit of the control group"))
    return rooms
