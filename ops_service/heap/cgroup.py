"""Limits of this process's control groups, version 1 and version 2.

A container's limit may be set at any level above the process, and the container's view may
begin at the group itself. So this reads every level from the root down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
_UNLIMITED = 1 << 60
"""Version 1 reports "no limit" as a number close to the largest."""


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """A limit on memory, and the files that report its use. Sizes in bytes."""

    limit: int
    usage: int
    reclaimable: int
    """Unused pages of files. The system reclaims them before it kills a process."""
    usage_path: Path
    stat_path: Path
    reclaimable_field: str


def memory_limits(root: Path = ROOT, membership: Path = MEMBERSHIP) -> list[MemoryLimit]:
    """Every memory limit that applies to this process."""
    limits = []
    for version, level in _levels("memory", root, membership):
        if version == 2:
            limit, usage, field = "memory.max", "memory.current", "inactive_file"
        else:
            limit, usage = "memory.limit_in_bytes", "memory.usage_in_bytes"
            field = "total_inactive_file"
        most, used = read_number(level / limit), read_number(level / usage)
        if most is None or used is None or most >= _UNLIMITED:
            continue
        stat = level / "memory.stat"
        limits.append(MemoryLimit(most, used, _field(stat, field), level / usage, stat, field))
    return limits


@dataclass(frozen=True, slots=True)
class TaskLimit:
    """A limit on processes and threads together."""

    path: Path
    """The file that sets it."""
    most: int
    used: int


def task_limits(root: Path = ROOT, membership: Path = MEMBERSHIP) -> list[TaskLimit]:
    """Every limit on processes and threads that applies to this process."""
    limits = []
    for _, level in _levels("pids", root, membership):
        most, used = read_number(level / "pids.max"), read_number(level / "pids.current")
        if most is not None and used is not None:
            limits.append(TaskLimit(level / "pids.max", most, used))
    return limits


@dataclass(frozen=True, slots=True)
class CpuQuota:
    """The smallest CPU quota of the groups."""

    cpus: float
    """CPU seconds per second; 0 without a quota."""
    throttled: int
    """Number of periods so far in which a group was throttled."""


def cpu_quota(root: Path = ROOT, membership: Path = MEMBERSHIP) -> CpuQuota:
    """The smallest CPU quota that applies to this process."""
    smallest, throttled = 0.0, 0
    for version, level in _levels("cpu", root, membership):
        if version == 2:
            quota, period = _quota_of_version_2(level / "cpu.max")
        else:
            quota = read_number(level / "cpu.cfs_quota_us") or -1
            period = read_number(level / "cpu.cfs_period_us") or 0
        if quota <= 0 or period <= 0:
            continue
        cpus = quota / period
        if smallest == 0 or cpus < smallest:
            smallest = cpus
        throttled += _field(level / "cpu.stat", "nr_throttled")
    return CpuQuota(smallest, throttled)


def _quota_of_version_2(path: Path) -> tuple[int, int]:
    try:
        quota, period = path.read_text().split()
        return int(quota), int(period)
    except (OSError, ValueError):
        # "max" means no quota.
        return -1, 0


def read_number(path: Path) -> int | None:
    """The number in a file; None if the file has no number, or "max"."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _field(path: Path, name: str) -> int:
    try:
        for line in path.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    except (OSError, ValueError):
        pass
    return 0


def _levels(controller: str, root: Path, membership: Path) -> Iterator[tuple[int, Path]]:
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        parts = line.split(":", 2)
        if len(parts) != 3:
            continue
        number, controllers, path = parts
        if number == "0" and not controllers:
            version, base = 2, root
        elif controller in controllers.split(","):
            version, base = 1, root / controller
        else:
            continue
        # Inside a container the path may be the host's. Then only the root is readable,
        # and the root is the group itself.
        group = base / path.lstrip("/")
        for level in (group, *group.parents):
            if level == base or base in level.parents:
                yield version, level
