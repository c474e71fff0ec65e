"""The limits of a walking child. It ends itself before it exceeds them."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from eventually import eventually

from ops_service.errors import InsufficientMemory
from ops_service.heap import cgroup
from ops_service.heap.census import take_census
from ops_service.heap.model import CaptureOptions, CensusOptions
from ops_service.heap.own import THREAD_PREFIX
from ops_service.heap.snapshot import start_capture

from .programs.patient import PATIENCE, PATIENT

GIB = 1 << 30


def tree(root: Path, usage: int, limit: int = GIB) -> Path:
    """Control groups of both versions, with limits of memory and half a processor."""
    files = {
        "memory.max": limit,
        "memory.current": usage,
        "memory/memory.limit_in_bytes": limit,
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
    # And its slot is free again.
    with start_capture(PATIENT) as capture:
        assert list(capture)


@pytest.mark.usefixtures("needs_a_group")
def test_the_child_ends_itself_when_memory_runs_out(tmp_path: Path) -> None:
    root = tree(tmp_path, 100 << 20)
    # Large enough to fill the pipe, so that the child waits while memory runs out.
    ballast = [[number] for number in range(300_000)]
    with start_capture(CaptureOptions(cgroup_root=root)) as capture:
        batches = iter(capture)
        next(batches)
        tree(tmp_path, GIB - (10 << 20))
        # The child checks every 50 ms, even while nobody reads.
        eventually(lambda: not capture.running(), within=10)
        with pytest.raises(InsufficientMemory, match="memory was running out"):
            list(batches)
    assert len(ballast) == 300_000


@pytest.mark.long
@pytest.mark.usefixtures("needs_a_group")
def test_within_a_quota_the_child_and_our_threads_share_a_share(tmp_path: Path) -> None:
    # Memory must not matter here: under a sanitizer much of it is copied.
    root = tree(tmp_path, 100 << 20, limit=16 * GIB)
    options = CaptureOptions(lifetime_limit=PATIENCE, cgroup_root=root, cpu_share=0.5)
    ballast = [[number] for number in range(300_000)]
    with start_capture(options) as capture:
        list(capture)
    alone = capture.summary
    # A half of 0.5 CPUs, apart from the last rest, which the child skips.
    assert alone.child_cpu_time < alone.child_lifetime / 4 * 1.1

    spent = 0.0

    def spend() -> None:
        nonlocal spent
        while spent < 0.4:
            spent = time.thread_time()

    with start_capture(options) as capture:
        batches = iter(capture)
        next(batches)
        # The CPU time of the service's own threads counts as the child's.
        sender = threading.Thread(target=spend, name=f"{THREAD_PREFIX}-sender")
        sender.start()
        eventually(lambda: spent >= 0.2)
        list(batches)
        sender.join()
    beside = capture.summary
    assert beside.child_cpu_time + spent < beside.child_lifetime / 4 * 1.1
    assert len(ballast) == 300_000
