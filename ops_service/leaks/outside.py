"""Finds memory that grows while the Python objects do not."""

from __future__ import annotations

from collections.abc import Sequence

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


def find_outside(
    times: Sequence[float],
    resident: Figures,
    anonymous: Figures,
    file_backed: Figures,
    shared: Figures,
    malloc: Figures,
    blocks: Figures,
    python: Sequence[int],
    python_large: Sequence[int],
    work: Sequence[float] = (),
) -> tuple[OutsideGrowth, ...]:
    """Find parts of the memory that grow beyond the live Python objects, fastest first.

    All sequences have one value for each sample; None means not reported.

    Args:
        times: Times of the samples, in seconds.
        resident: Resident bytes.
        anonymous: Part of the resident bytes.
        file_backed: Part of the resident bytes.
        shared: Part of the resident bytes.
        malloc: Bytes allocated from malloc.
        blocks: Bytes allocated from CPython's allocator.
        python: Bytes of live objects.
        python_large: Part of these bytes that malloc serves.
        work: CPU seconds that the process had used until each sample.
    """
    small = [whole - large for whole, large in zip(python, python_large, strict=True)]
    grows = _Judge(times, work if came_late(times) else ())
    span = times[-1] - times[0]
    late_pages = min(_MIN_RESIDENT_RATE * span, _MIN_RESIDENT_SHARE * (resident[0] or 0))
    pages = max(_MIN_RESIDENT, late_pages)
    young = min(_MIN_COUNTED_RATE * span, _MIN_COUNTED_SHARE * (resident[0] or 0))
    counted = max(_MIN_COUNTED, young, _MIN_LASTING_RATE * span)
    found = [
        *grows(MemoryPart.MALLOC, _less(malloc, python_large), counted),
        *grows(MemoryPart.PYTHON_BLOCKS, _less(blocks, small), counted),
        *grows(MemoryPart.FILE_BACKED, file_backed, pages),
        *grows(MemoryPart.SHARED, shared, pages),
    ]
    if not any(each.part in (MemoryPart.MALLOC, MemoryPart.PYTHON_BLOCKS) for each in found):
        whole = anonymous if all(value is not None for value in anonymous) else resident
        part = MemoryPart.ANONYMOUS if whole is anonymous else MemoryPart.UNKNOWN
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
