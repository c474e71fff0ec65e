"""Finds memory that grows while the Python objects do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ops_service.leaks.report import MemoryPart, OutsideGrowth, PerMinute
from ops_service.leaks.trend import Shape, came_late, shape_of, theil_sen_rate

_MINUTE = 60.0
# Bytes. The statistics of malloc are exact to the byte; resident pages come and go.
_MIN_COUNTED = 96 << 10
# Bytes a second, and a share of resident memory. C code in a young process takes this much
# for its connections and sessions, and garbage keeps some until it is collected. `make
# soak-servers` saw 4 KiB a second of it for three minutes.
_MIN_COUNTED_RATE = 8 << 10
_MIN_COUNTED_SHARE = 0.02
# Bytes a second. Slower growth of allocated memory can come from the allocators themselves
# at any time.
_MIN_LASTING_RATE = 400
_MIN_RESIDENT = 2 << 20
# Bytes a second, and a share of the first resident memory: pages first touched late, and
# memory that the allocators of a young process take in advance. `make soak-servers` saw
# 5 MiB of it in five minutes.
_MIN_RESIDENT_RATE = 64 << 10
_MIN_RESIDENT_SHARE = 0.25
# Memory growth is unexplained if live objects grow by less than this share of it.
_UNEXPLAINED_SHARE = 0.5

_ADVICE = {
    MemoryPart.MALLOC: (
        "C code keeps memory from malloc, and no Python object grows with it: run the "
        "application under `memray run --native`, or trace the library that allocates it."
    ),
    MemoryPart.PYTHON_BLOCKS: (
        "Blocks of CPython's allocator are in use and no object on the heap accounts for them: "
        "an extension keeps references or its own memory. Run under `memray run --native`."
    ),
    MemoryPart.ANONYMOUS: (
        "Neither allocator counts it: C code mapped it, or malloc keeps it as free memory. Try "
        "`opsctl memory reclaim --trim`. If that releases it, set MALLOC_ARENA_MAX=2; if not, "
        "run under `memray run --native`."
    ),
    MemoryPart.FILE_BACKED: "Pages of mapped files: look for what maps them in /proc/PID/maps.",
    MemoryPart.SHARED: (
        "Shared memory: look for segments that are never unlinked, in /dev/shm and /proc/PID/maps."
    ),
    MemoryPart.UNKNOWN: "The system does not report its parts; see `opsctl memory show`.",
}

Figures = Sequence[int | None]


@dataclass(frozen=True, slots=True)
class MemorySeries:
    """Memory of a process, with one value for each sample; None means not reported."""

    times: Sequence[float]
    """Times of the samples, in seconds."""
    resident: Figures
    """Resident bytes."""
    anonymous: Figures
    """Part of the resident bytes."""
    file_backed: Figures
    """Part of the resident bytes."""
    shared: Figures
    """Part of the resident bytes."""
    malloc: Figures
    """Bytes allocated from malloc."""
    blocks: Figures
    """Bytes allocated from CPython's allocator."""
    python: Sequence[int]
    """Bytes of live objects."""
    python_large: Sequence[int]
    """Part of these bytes that malloc serves."""
    work: Sequence[float]
    """CPU seconds that the process had used until each sample."""


def find_outside(memory: MemorySeries) -> tuple[OutsideGrowth, ...]:
    """Find parts of the memory that grow beyond the live Python objects, fastest first."""
    times, resident, python = memory.times, memory.resident, memory.python
    small = [whole - large for whole, large in zip(python, memory.python_large, strict=True)]
    grows = _Judge(times, memory.work if came_late(times) else ())
    span = times[-1] - times[0]
    late_pages = min(_MIN_RESIDENT_RATE * span, _MIN_RESIDENT_SHARE * (resident[0] or 0))
    pages = max(_MIN_RESIDENT, late_pages)
    young = min(_MIN_COUNTED_RATE * span, _MIN_COUNTED_SHARE * (resident[0] or 0))
    counted = max(_MIN_COUNTED, young, _MIN_LASTING_RATE * span)
    found = [
        *grows(MemoryPart.MALLOC, _less(memory.malloc, memory.python_large), counted),
        *grows(MemoryPart.PYTHON_BLOCKS, _less(memory.blocks, small), counted),
        *grows(MemoryPart.FILE_BACKED, memory.file_backed, pages),
        *grows(MemoryPart.SHARED, memory.shared, pages),
    ]
    if not any(each.part in (MemoryPart.MALLOC, MemoryPart.PYTHON_BLOCKS) for each in found):
        known = all(value is not None for value in memory.anonymous)
        whole = memory.anonymous if known else resident
        part = MemoryPart.ANONYMOUS if known else MemoryPart.UNKNOWN
        if _is_unexplained(whole, python):
            found += grows(part, whole, pages)
    found.sort(key=lambda each: -each.bytes_per_minute.rate)
    return tuple(found)


def _less(whole: Figures, part: Sequence[int]) -> Figures:
    return [None if w is None else w - p for w, p in zip(whole, part, strict=True)]


def _is_unexplained(whole: Figures, python: Sequence[int]) -> bool:
    if not whole or whole[0] is None or whole[-1] is None:
        return False
    return (python[-1] - python[0]) < _UNEXPLAINED_SHARE * (whole[-1] - whole[0])


class _Judge:
    def __init__(self, times: Sequence[float], work: Sequence[float]) -> None:
        self._times = times
        self._work = work

    def __call__(self, part: MemoryPart, figures: Figures, least: float) -> list[OutsideGrowth]:
        values = [value for value in figures if value is not None]
        if not values or len(values) < len(figures):
            return []
        if shape_of(self._times, values, least, self._work) is not Shape.GROWS:
            return []
        rate = theil_sen_rate(self._times, values)
        per_minute = PerMinute(rate.slope * _MINUTE, rate.low * _MINUTE, rate.high * _MINUTE)
        return [OutsideGrowth(part, per_minute, _ADVICE[part])]
