"""Runs in the host: captures while the process writes to memory that it has already.

It runs in a separate process: the cost of copy-on-write is measured for a whole process,
and a process that ran other tests before writes to many pages by itself.
"""

from __future__ import annotations

import gc
import mmap
import weakref
from pathlib import Path
from typing import Any

from eventually import eventually

from ops_service.errors import InsufficientMemory, OpsServiceError
from ops_service.heap.census import take_census
from ops_service.heap.model import CaptureOptions, CensusOptions
from ops_service.heap.snapshot import start_capture

from . import faults
from .patient import PATIENCE

# More than a pipe holds, so that a child waits for a reader.
BALLAST = [[number] for number in range(300_000)]


def resident(size: int) -> mmap.mmap:
    """Memory that is resident, in pages of the usual size."""
    memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    write(memory)
    return memory


def write(memory: mmap.mmap) -> None:
    for place in range(0, len(memory), mmap.PAGESIZE):
        memory[place] = 1


def write_meanwhile(size: int) -> dict[str, Any]:
    """Capture twice, the second time while all pages of a memory area are written."""
    memory = resident(size)
    with start_capture(CaptureOptions(lifetime_limit=PATIENCE)) as capture:
        list(capture)
    idle = capture.summary.copied_bytes
    with start_capture(CaptureOptions(lifetime_limit=PATIENCE)) as capture:
        batches = iter(capture)
        next(batches)
        write(memory)
        list(batches)
    return {
        "idle": idle,
        "written": capture.summary.copied_bytes,
        "tables": capture.summary.child_table_bytes,
    }


def write_too_much(size: int, root: str) -> dict[str, Any]:
    """Capture while more is written than may be copied. Return the result."""
    memory = resident(size)
    options = CaptureOptions(lifetime_limit=PATIENCE, cgroup_root=Path(root))
    try:
        with start_capture(options) as capture:
            batches = iter(capture)
            next(batches)
            write(memory)
            eventually(lambda: not capture.running(), "the child goes on", within=20)
            list(batches)
    except OpsServiceError as error:
        return faults.describe(error)
    return {"error": ""}


def cycles_of_a_failed_census(root: str) -> bool:
    """Whether an argument outlives the frames of a refused census."""

    class Held:
        pass

    held = Held()
    alive = weakref.ref(held)

    def count(local: object) -> None:
        take_census(options=CensusOptions(cgroup_root=Path(root)))

    gc.collect()
    collects = gc.isenabled()
    gc.disable()
    try:
        try:
            count(held)
        except InsufficientMemory:
            # Only the error's frames hold the argument.
            del held
        return alive() is not None
    finally:
        if collects:
            gc.enable()
