"""Memory that grows while the Python objects do not."""

from __future__ import annotations

from collections.abc import Sequence

from ops_service.leaks.report import MemoryPart, OutsideGrowth, PerMinute
from ops_service.leaks.trend import Shape, came_late, shape_of, theil_sen_rate

_MINUTE = 60.0
# The books of malloc are exact to the byte; resident pages come and go.
_MIN_COUNTED = 96 << 10
# Bytes a second, and a share of resident memory: what C code takes in a young process, for
# its connections and sessions, and what garbage keeps until it is collected. `make
# soak-servers` saw 4 KiB a second of it for three minutes.
_MIN_COUNTED_RATE = 8 << 10
_MIN_COUNTED_SHARE = 0.02
# Bytes a second. Slower growth of what the allocators handed out is theirs at any time.
_MIN_LASTING_RATE = 400
_MIN_RESIDENT = 2 << 20
# Bytes a second, and a share of what there was: pages that are touched late, and what
# the allocators of a young process take in advance. `make soak-servers` saw 5 MiB of it
# in five minutes.
_MIN_RESIDENT_RATE = 64 << 10
_MIN_RESIDENT_SHARE = 0.25
# Resident growth that live objects do not explain.
_UNEXPLAINED_SHARE = 0.5

_ADVICE = {
    MemoryPart.MALLOC: (
        "C code keeps what it asked malloc for, and no Python object grows with it: run the "
        "application under `memray run --native`, or trace the library that makes it."
    ),
    MemoryPart.PYTHON_BLOCKS: (
        "Blocks of CPython's allocator are in use and no object on the heap accounts for them: "
        "an extension keeps references or memory of its own. Run under `memray run --native`."
    ),
    MemoryPart.ANONYMOUS: (
        "Neither allocator counts it: memory that C code mapped, or that malloc holds free. Try "
        "`opsctl memory reclaim --trim`; if that gives it back, set MALLOC_ARENA_MAX=2; if not, "
        "run under `memray run --native`."
    ),
    MemoryPart.FILE_BACKED: "Pages of mapped files: look for what maps them in /proc/PID/maps.",
    MemoryPart.SHARED: (
        "Shared memory: look for segments that are never unlinked, in /dev/shm and /proc/PID/maps."
    ),
    MemoryPart.UNKNOWN: "The system does not tell its parts; see `opsctl memory show`.",
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
    """Parts of the memory that grow beyond the live Python objects, fastest first.

    Args:
        times: Of the samples.
        resident: And the parts of it, in bytes; None where they are not told.
        malloc: Bytes that malloc has handed out.
        blocks: Bytes that CPython's allocator has handed out.
        python: Bytes of live objects.
        python_large: Of these, what malloc serves.
        work: Seconds of CPU that the process had taken at each sample.
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
