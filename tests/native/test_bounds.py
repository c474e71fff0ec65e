"""What a walking child may take, and that it ends itself before it takes more."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ops_service.errors import InsufficientMemory
from ops_service.heap import cgroup
from ops_service.heap.census import take_census
from ops_service.heap.model import CaptureOptions, CensusOptions
from ops_service.heap.snapshot import start_capture

GIB = 1 << 30


def tree(root: Path, usage: int) -> Path:
    """Control groups of both versions, with a limit of 1 GiB."""
    files = {
        "memory.max": GIB,
        "memory.current": usage,
        "memory/memory.limit_in_bytes": GIB,
        "memory/memory.usage_in_bytes": usage,
        "cpu/cpu.cfs_quota_us": 50000,
        "cpu/cpu.cfs_period_us": 100000,
    }
    for name, number in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n")
    (root / "cpu.max").write_text("50000 100000\n")
    return root


@pytest.fixture
def needs_a_group() -> None:
    if not Path(cgroup.MEMBERSHIP).exists() or not cgroup.MEMBERSHIP.read_text().strip():
        pytest.skip("this system has no control groups")


@pytest.mark.usefixtures("needs_a_group")
def test_a_walk_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    root = tree(tmp_path, GIB - (65 << 20))
    with pytest.raises(InsufficientMemory, match="limit of the control group"):
        start_capture(CaptureOptions(cgroup_root=root))
    with pytest.raises(InsufficientMemory, match="limit of the control group"):
        take_census(options=CensusOptions(cgroup_root=root))
    # And the place is free again.
    with start_capture(CaptureOptions()) as capture:
        assert list(capture)


@pytest.mark.usefixtures("needs_a_group")
def test_the_child_ends_itself_when_memory_runs_out(tmp_path: Path) -> None:
    root = tree(tmp_path, 100 << 20)
    # Large enough to fill the pipe, so that the child waits while memory goes.
    ballast = [[number] for number in range(300_000)]
    with start_capture(CaptureOptions(cgroup_root=root)) as capture:
        batches = iter(capture)
        next(batches)
        tree(tmp_path, GIB - (10 << 20))
        # It looks every 50 ms, also while nobody reads.
        deadline = time.monotonic() + 10
        while capture.running() and time.monotonic() < deadline:
            pass
        with pytest.raises(InsufficientMemory, match="memory was running out"):
            list(batches)
    assert len(ballast) == 300_000


@pytest.mark.usefixtures("needs_a_group")
def test_a_quota_slows_the_child_down(tmp_path: Path) -> None:
    root = tree(tmp_path, 100 << 20)
    ballast = [[number] for number in range(300_000)]
    # An eighth of 0.5 CPUs: the child's CPU time is a 16th of its life or less,
    # but for the last rest, which it does not take.
    with start_capture(CaptureOptions(cgroup_root=root, cpu_share=0.125)) as capture:
        list(capture)
    summary = capture.summary
    assert summary.child_cpu_time < summary.child_lifetime / 8
    assert len(ballast) == 300_000
