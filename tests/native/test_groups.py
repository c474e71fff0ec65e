"""Captures in real control groups, of the version that this machine allows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .host import Host
from .processes import children

NewHost = Callable[..., Host]
ROOT = Path("/sys/fs/cgroup")
MIB = 1 << 20
LIMIT = 512 * MIB


@contextmanager
def group(controller: str, settings: dict[int, dict[str, str]]) -> Iterator[tuple[Path, int]]:
    """A group with settings for its version, removed with the block. Yields it and its version."""
    name = f"ops_service_test_{os.getpid()}"
    second = ROOT / "cgroup.controllers"
    try:
        if second.exists():
            enabled = (ROOT / "cgroup.subtree_control").read_text().split()
            if controller not in enabled:
                pytest.skip(f"{controller} is not delegated to groups of version 2 here")
            made, version = ROOT / name, 2
        else:
            made, version = ROOT / controller / name, 1
        made.mkdir()
    except OSError as error:
        pytest.skip(f"no group with {controller} can be made here: {error}")
    try:
        for file, text in settings[version].items():
            (made / file).write_text(text)
        yield made, version
    finally:
        # Its processes must have ended.
        made.rmdir()


@pytest.fixture
def memory_group() -> Iterator[tuple[Path, int]]:
    limits = {
        1: {"memory.limit_in_bytes": str(LIMIT)},
        2: {"memory.max": str(LIMIT), "memory.oom.group": "1"},
    }
    with group("memory", limits) as made:
        yield made


@pytest.fixture
def cpu_group() -> Iterator[tuple[Path, int]]:
    quotas = {
        1: {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"},
        2: {"cpu.max": "50000 100000"},
    }
    with group("cpu", quotas) as made:
        yield made


def enter(made: Path, host: Host) -> None:
    (made / "cgroup.procs").write_text(str(host.pid))


def kills(made: Path, version: int) -> int:
    """How often the kernel killed in the group."""
    text = (made / ("memory.events" if version == 2 else "memory.oom_control")).read_text()
    fields = dict(line.split() for line in text.splitlines())
    return int(fields["oom_kill"])


def hits(made: Path, version: int) -> int:
    """How often the group reached its limit."""
    if version == 1:
        return int((made / "memory.failcnt").read_text())
    fields = dict(line.split() for line in (made / "memory.events").read_text().splitlines())
    return int(fields["max"])


def usage_file(made: Path, version: int) -> str:
    return str(made / ("memory.current" if version == 2 else "memory.usage_in_bytes"))


# The groups come first, so that they are removed after the hosts have ended.


def test_near_its_limit_a_capture_is_refused(
    memory_group: tuple[Path, int], new_host: NewHost
) -> None:
    made, version = memory_group
    host = new_host()
    enter(made, host)
    usage = host.call("groups", "fill_to", usage_file(made, version), LIMIT - 72 * MIB)
    found = host.call("groups", "refused")
    assert found["error"] == "InsufficientMemory", found
    assert f"{LIMIT // MIB} MiB (limit of the control group)" in found["text"]
    # The free memory, without the reserve of 64 MiB.
    free = LIMIT - usage - 64 * MIB
    assert 0 <= int(found["details"]["free_bytes"]) <= free + 24 * MIB
    assert (kills(made, version), hits(made, version)) == (0, 0)


def test_under_pressure_the_child_ends_before_the_kernel_kills(
    memory_group: tuple[Path, int], new_host: NewHost
) -> None:
    made, version = memory_group
    host = new_host()
    enter(made, host)
    host.call("faults", "open_unread", 200_000)
    (child,) = children(host.pid)
    assert child > 0
    found = host.call("groups", "press", usage_file(made, version), LIMIT - 40 * MIB)
    assert found["error"] == "InsufficientMemory", found
    assert "ended itself" in found["text"]
    assert found["ended_by_itself"]
    assert (kills(made, version), hits(made, version)) == (0, 0)
    assert children(host.pid) == []


def test_within_a_quota_the_child_keeps_to_its_share(
    cpu_group: tuple[Path, int], new_host: NewHost
) -> None:
    made, _ = cpu_group
    host = new_host()
    enter(made, host)
    (result,) = host.call("life", "captures", 1)
    # A quarter of half a CPU, apart from the last rest, which the child skips.
    assert 0 < result["cpu_time"] < result["lifetime"] / 8 * 1.1
