"""Control groups made by tests, in the version that this machine allows."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventually import eventually

ROOT = Path("/sys/fs/cgroup")


def make_cgroup(controller: str) -> Path:
    """A new group for one test, of either version. Skips if none can be made."""
    for base in (ROOT / controller, ROOT):
        path = base / f"ops_service_test_{os.getpid()}"
        try:
            path.mkdir()
        except OSError:
            continue
        if any(path.glob(f"{controller}.*")):
            return path
        path.rmdir()
    pytest.skip(f"no cgroup with the controller {controller} can be made here")


def remove_cgroup(path: Path) -> None:
    """Remove a group, once the kernel has released its last process."""

    def is_removed() -> bool:
        with contextlib.suppress(OSError):
            path.rmdir()
        return not path.exists()

    eventually(is_removed, f"{path} is in use", within=10)


class MemoryGroup:
    """A memory control group, with the files of its version."""

    def __init__(self, path: Path) -> None:
        self._path = path
        unified = (path / "memory.max").exists()
        self._limit = path / ("memory.max" if unified else "memory.limit_in_bytes")
        self._events = path / ("memory.events" if unified else "memory.oom_control")
        self.usage = path / ("memory.current" if unified else "memory.usage_in_bytes")
        """The file with the number of bytes charged to its processes."""
        swap = path / "memory.swap.max"
        if swap.exists():
            swap.write_text("0")

    def limit(self, size: int) -> None:
        """Set its limit. -1 removes the limit."""
        unlimited = "max" if self._limit.name == "memory.max" else "-1"
        self._limit.write_text(str(size) if size >= 0 else unlimited)

    def add(self, pid: int) -> None:
        """Move a process into the group. Memory that it has already stays charged elsewhere."""
        (self._path / "cgroup.procs").write_text(str(pid))

    def kills(self) -> int:
        """How often the kernel killed a process of the group for lack of memory."""
        fields = dict(line.split() for line in self._events.read_text().splitlines())
        return int(fields["oom_kill"])


@pytest.fixture
def memory_group() -> Iterator[MemoryGroup]:
    """A group without a limit. Request it before hosts: they end before it is removed."""
    path = make_cgroup("memory")
    yield MemoryGroup(path)
    remove_cgroup(path)


@pytest.fixture
def task_group() -> Iterator[Path]:
    """A group for processes, without a limit. Request it before the hosts in it."""
    path = make_cgroup("pids")
    yield path
    remove_cgroup(path)
