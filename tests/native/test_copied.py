"""What copy-on-write cost, and that the child ends itself when it is too much."""

from __future__ import annotations

import gc
import mmap
import time
import weakref
from pathlib import Path

import pytest

from ops_service.errors import InsufficientMemory
from ops_service.heap import cgroup
from ops_service.heap.census import take_census
from ops_service.heap.model import CaptureOptions, CensusOptions
from ops_service.heap.snapshot import start_capture

from .patient import PATIENCE
from .test_bounds import GIB, tree

WRITTEN = 48 << 20
# Pages that the test's own process writes to besides.
ELSE = 20 << 20
OPTIONS = CaptureOptions(lifetime_limit=PATIENCE)


@pytest.fixture(scope="module")
def ballast() -> list[list[int]]:
    """More than a pipe holds, so that a child waits until somebody reads."""
    return [[number] for number in range(300_000)]


@pytest.fixture
def memory() -> mmap.mmap:
    """Memory that is resident, in pages of the usual size."""
    memory = mmap.mmap(-1, WRITTEN, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    write(memory)
    return memory


def write(memory: mmap.mmap) -> None:
    for place in range(0, WRITTEN, mmap.PAGESIZE):
        memory[place] = 1


@pytest.mark.usefixtures("ballast")
def test_what_the_process_writes_to_is_told(memory: mmap.mmap) -> None:
    with start_capture(OPTIONS) as capture:
        list(capture)
    idle = capture.summary.copied_bytes
    with start_capture(OPTIONS) as capture:
        batches = iter(capture)
        next(batches)
        write(memory)
        list(batches)
    written = capture.summary.copied_bytes
    assert idle is not None
    assert written is not None
    assert idle < ELSE
    # The child's tables, of about the same size, are not among it.
    assert capture.summary.child_table_bytes > ELSE
    assert WRITTEN <= written < WRITTEN + ELSE


@pytest.mark.usefixtures("ballast")
def test_the_child_ends_itself_when_too_much_is_copied(memory: mmap.mmap, tmp_path: Path) -> None:
    if not cgroup.MEMBERSHIP.exists():
        pytest.skip("this system has no control groups")
    # Room for a snapshot, a quarter of which is less than what is written.
    root = tree(tmp_path, GIB - (64 << 20) - 2 * WRITTEN)
    with start_capture(CaptureOptions(lifetime_limit=PATIENCE, cgroup_root=root)) as capture:
        batches = iter(capture)
        next(batches)
        write(memory)
        deadline = time.monotonic() + 20
        while capture.running() and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(InsufficientMemory, match="MiB existed twice") as caught:
            list(batches)
    assert int(caught.value.details["copied_bytes"]) > WRITTEN / 2


def test_a_failed_census_leaves_no_cycle(tmp_path: Path) -> None:
    if not cgroup.MEMBERSHIP.exists():
        pytest.skip("this system has no control groups")

    class Held:
        pass

    held = Held()
    alive = weakref.ref(held)

    def count(local: object) -> None:
        take_census(options=CensusOptions(cgroup_root=tree(tmp_path, GIB)))

    gc.collect()
    gc.disable()
    try:
        with pytest.raises(InsufficientMemory):
            count(held)
        # The frames of the error hold the argument, and nothing else does.
        del held
        assert alive() is None
    finally:
        gc.enable()
