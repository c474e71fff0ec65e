"""Stacks of every thread, asyncio task and greenlet of the process.

The calling thread reads the stacks in slices, while the process runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from ops_service.errors import Cancelled
from ops_service.process.bytecode_proof import CANNOT_READ, reads_bytecode
from ops_service.process.cycles import common_edges, find_cycles
from ops_service.process.frames import Spots
from ops_service.process.greenlet_stacks import FindInstances, sample_greenlets
from ops_service.process.loop_search import LoopSearch
from ops_service.process.sample import DEPTH, Sample
from ops_service.process.stack_model import (
    CycleStep,
    Frame,
    OwnerGroup,
    StackGroup,
    Stacks,
    line_of,
)
from ops_service.process.task_proof import CANNOT_SEE_WAITS, sees_task_waits
from ops_service.process.task_registers import CANNOT_FIND, Register, register
from ops_service.process.task_stacks import TaskSampler
from ops_service.process.thread_frames import blind_spot
from ops_service.process.thread_stacks import sample_threads

_CYCLES = 100


@dataclass(frozen=True, slots=True)
class StackOptions:
    """Options of a capture."""

    distance: float
    """Seconds between two samples. 0 takes a single sample."""
    service_loop: Any = None
    """The service's own loop, which runs now. None if there is none."""
    skip_service_tasks: bool = True
    """Whether to skip the tasks of the service's own loop."""
    is_own_thread: Callable[[threading.Thread], bool] | None = None
    """Whether a thread is the service's own; such threads are skipped. None skips none."""
    find_instances: FindInstances | None = None
    """Searches the collector's lists. None skips greenlets, and loops that do not run."""


def capture_stacks(options: StackOptions, cancelled: threading.Event) -> Stacks:
    """Sample all stacks, once or twice.

    Costs CPU time under the GIL, a few microseconds for each frame. The host gets a
    chance to run every few milliseconds.

    Raises:
        Cancelled: The caller went away between the samples.
    """
    readable = reads_bytecode()
    spots = Spots(readable=readable)
    own_loop = options.service_loop if options.skip_service_tasks else None
    loops = LoopSearch(options.find_instances, options.service_loop, own_loop)
    codes: dict[int, CodeType] = {}
    first = None
    seconds: list[float] = []
    cpu: dict[int, float] = {}
    if options.distance > 0:
        first, took = _look(options, Sample(spots, codes), loops)
        seconds.append(took)
        cpu = _cpu_seconds(first)
        if cancelled.wait(options.distance):
            raise Cancelled("The caller went away.")
    last, took = _look(options, Sample(spots, codes), loops)
    seconds.append(took)
    last.settle_locks()
    edges = last.edges
    if first is not None:
        first.settle_locks()
        edges = common_edges(first.edges, last.edges)
        _compare(first, last, cpu)
    cycles = find_cycles(edges, _CYCLES)
    lines: dict[tuple[int, int], Frame] = {}
    groups = sorted(last.groups.values(), key=lambda group: -group.count)
    return Stacks(
        groups=tuple(_with_frames(last, group, lines) for group in groups),
        counts=last.counts,
        cycles=tuple(
            tuple(CycleStep(last.names[node], last.reasons[node]) for node in cycle)
            for cycle in cycles
        ),
        sample_seconds=tuple(seconds),
        warnings=(*_blind_spots(readable), *loops.warnings, *last.warnings),
    )


def _blind_spots(readable: bool) -> list[str]:
    """What is out of sight in this process: its proofs and its interpreters show that."""
    found = [] if readable else [CANNOT_READ]
    if register() is Register.UNKNOWN:
        found.append(CANNOT_FIND)
    elif not sees_task_waits():
        found.append(CANNOT_SEE_WAITS)
    if (others := blind_spot()) is not None:
        found.append(others)
    return found


def _look(options: StackOptions, sample: Sample, loops: LoopSearch) -> tuple[Sample, float]:
    begin = time.perf_counter()
    sample_threads(sample, options.is_own_thread)
    TaskSampler(sample, loops.left_out).run(loops.find)
    if options.find_instances is not None:
        sample_greenlets(sample, options.find_instances)
    return sample, time.perf_counter() - begin


def _compare(first: Sample, last: Sample, cpu: dict[int, float]) -> None:
    """Mark owners that are in the same place in both samples."""
    now = _cpu_seconds(last)
    for owner, group in last.places.items():
        group.unmoved_count += _was_there(first, owner, group)
    for group in last.groups.values():
        for member in group.members:
            member.unmoved = _was_there(first, member.owner, group)
            if member.native_id in cpu and member.native_id in now:
                member.cpu_seconds = now[member.native_id] - cpu[member.native_id]


def _was_there(first: Sample, owner: int, group: OwnerGroup) -> bool:
    earlier = first.places.get(owner)
    return earlier is not None and earlier.key == group.key


def _cpu_seconds(sample: Sample) -> dict[int, float]:
    """CPU time used by each thread so far, by native id, if the system reports it."""
    found: dict[int, float] = {}
    for group in sample.groups.values():
        for member in group.members:
            if member.native_id:
                try:
                    text = Path(f"/proc/self/task/{member.native_id}/schedstat").read_text()
                    found[member.native_id] = int(text.split()[0]) / 1e9
                except (OSError, ValueError, IndexError):
                    continue
    return found


def _with_frames(
    sample: Sample, group: OwnerGroup, lines: dict[tuple[int, int], Frame]
) -> StackGroup:
    frames: list[Frame] = []
    key = group.key[: 2 * DEPTH]
    for position in zip(key[::2], key[1::2], strict=True):
        frame = lines.get(position)
        if frame is None:
            code = sample.codes[position[0]]
            frame = lines[position] = Frame(
                code.co_filename, code.co_qualname, line_of(code, position[1])
            )
        frames.append(frame)
    return StackGroup(group, tuple(frames), max(0, len(group.key) // 2 - DEPTH))
