"""Robust trends of short series: whether a series grows, and how fast."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import sqrt
from statistics import median

MIN_SAMPLES = 6
"""Minimum samples of a trend: each third of a series needs two."""

# A node without objects at the start of the watch may only be filling.
_MIN_SAMPLES_FROM_NOTHING = 10

# A lasting rise is about the same in each third of the time.
_SHARE_OF_BEFORE = 0.45
_SHARE_OF_FIRST = 0.3
MIN_RISES = 4
"""A series that rises at fewer samples does not grow, and has not begun to grow."""
# Maximum share of the rise in one interval: growth that comes at once is not a leak.
_MAX_JUMP = 0.5
# A series that rises evenly with the work must also rise at the end of the time: most of
# the work may be the filling of a cache.
_LATE_SHARE = 0.2
_STEADY_SHARE = 0.4
# Samples should come evenly. A sample is late after this many times the median interval.
_LATE_GAPS = 3.0


class Shape(enum.Enum):
    """Shape of a series."""

    TOO_SHORT = "too short"
    GROWS = "grows"
    """It rises in every part, and does not lose what it gained."""
    BEGAN = "began to grow"
    """It rises steadily, but not from the beginning."""
    UNEVEN = "grows unevenly"
    """It rises in every part and loses nothing, but faster in one part than in others."""
    OTHER = "does not grow"


@dataclass(frozen=True, slots=True)
class Rate:
    """A slope per second, with its 95% confidence interval."""

    slope: float
    low: float
    high: float


def theil_sen_slope(times: Sequence[float], values: Sequence[float]) -> float:
    """The median of the slopes between all pairs of points, 0 for fewer than two.

    A few outliers do not move it. Takes time that grows with the square of the
    number of points.

    Args:
        times: Ascending. Pairs at the same time are skipped.
        values: One for each time.
    """
    slopes = _slopes(times, values)
    return median(slopes) if slopes else 0.0


def theil_sen_rate(times: Sequence[float], values: Sequence[float]) -> Rate:
    """`theil_sen_slope` with its confidence interval, by the ranks of the slopes."""
    slopes = sorted(_slopes(times, values))
    if not slopes:
        return Rate(0.0, 0.0, 0.0)
    count = len(times)
    spread = 1.96 * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, int((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, int((len(slopes) + spread) / 2) + 1)
    return Rate(median(slopes), slopes[low], slopes[high])


def _slopes(times: Sequence[float], values: Sequence[float]) -> list[float]:
    return [
        (later_value - value) / (later - time)
        for (time, value), (later, later_value) in combinations(zip(times, values, strict=True), 2)
        if later > time
    ]


def lower_envelope(values: Sequence[float]) -> list[float]:
    """For each point, the minimum value from there on: what stayed until the end."""
    envelope = list(values)
    for i in range(len(envelope) - 2, -1, -1):
        envelope[i] = min(envelope[i], envelope[i + 1])
    return envelope


def _value_at(times: Sequence[float], values: Sequence[float], time: float) -> float:
    """The value at a time between samples, by linear interpolation."""
    after = next(i for i in range(len(times)) if times[i] >= time)
    if after == 0 or times[after] == time:
        return values[after]
    begin, end = times[after - 1], times[after]
    share = (time - begin) / (end - begin)
    return values[after - 1] + share * (values[after] - values[after - 1])


def shape_of(
    times: Sequence[float],
    values: Sequence[float],
    least: float = 0.0,
    work: Sequence[float] = (),
) -> Shape:
    """Judge the shape of a series. Takes time that grows with the number of points.

    Judges only the lower envelope, which is what stays. A wave or a sawtooth returns to
    its start, so its envelope is flat. The envelope of a cache that fills is flat at the
    end. The envelope of a leak rises in every third of the time.

    Args:
        times: Ascending.
        values: One for each time.
        least: The series does not grow if it rises by this much or less.
        work: CPU seconds that the process had used until each time. Given if samples came
            late. Then a series that rises unevenly in time grows if it rises evenly with
            the work, or if it never falls and rises at the end as before.
    """
    if len(values) < MIN_SAMPLES:
        return Shape.TOO_SHORT
    if values[-1] <= values[0]:
        return Shape.OTHER
    envelope = lower_envelope(values)
    drawdown = max(value - low for value, low in zip(values, envelope, strict=True))
    shape, rises, jumps = _shape_along(times, values, envelope, drawdown, least)
    if shape is Shape.UNEVEN and work and work[-1] > work[0]:
        along_work, *_ = _shape_along(work, values, envelope, drawdown, least)
        with_work = along_work is Shape.GROWS and rises[2] >= _LATE_SHARE * max(rises)
        # Compare along the time, and along the number of the sample.
        _, by_sample, _ = _shape_along(range(len(values)), values, envelope, drawdown, least)
        steadily = (
            not jumps
            and drawdown == 0
            and all(each[2] >= _STEADY_SHARE * max(each) for each in (rises, by_sample))
        )
        if with_work or steadily:
            shape = Shape.GROWS
    if shape is Shape.GROWS and values[0] == 0:
        return _after_nothing(times, values, least, work)
    return shape


def _after_nothing(
    times: Sequence[float], values: Sequence[float], least: float, work: Sequence[float]
) -> Shape:
    """The shape of a series that starts at 0. Its first appearance does not count as growth."""
    if len(values) < _MIN_SAMPLES_FROM_NOTHING:
        return Shape.BEGAN
    begin = next(number for number, value in enumerate(values) if value) + 1
    rest = shape_of(times[begin:], values[begin:], least, work[begin:])
    return Shape.BEGAN if rest is Shape.TOO_SHORT else rest


def _shape_along(
    axis: Sequence[float],
    values: Sequence[float],
    envelope: Sequence[float],
    drawdown: float,
    least: float,
) -> tuple[Shape, tuple[float, float, float], bool]:
    """The shape along an axis, the gain in each third of it, and whether it has a jump."""
    span = axis[-1] - axis[0]
    first, second = (_value_at(axis, envelope, axis[0] + span * n / 3) for n in (1, 2))
    rises = (
        first - envelope[0],
        second - first,
        # No later point lowers the envelope at the last points. So take the smaller of the
        # last two if the series has ever fallen.
        (min(values[-2:]) if drawdown > 0 else values[-1]) - second,
    )
    total = sum(rises)
    if total <= least or rises[1] <= 0 or rises[2] <= 0 or rises[0] + rises[1] < drawdown:
        return Shape.OTHER, rises, False
    uneven = Shape.UNEVEN if rises[0] > 0 else Shape.OTHER
    # A long interval, as on a machine short of CPU, may hold a share equal to its length.
    steps = [later - low for low, later in pairwise(envelope)]
    gaps = [later - before for before, later in pairwise(axis)]
    if any(step > (_MAX_JUMP + gap / span) * total for step, gap in zip(steps, gaps, strict=True)):
        return uneven, rises, True
    if sum(step > 0 for step in steps) < MIN_RISES:
        return Shape.OTHER, rises, False
    if rises[2] < _SHARE_OF_BEFORE * rises[1]:
        return uneven, rises, False
    if rises[0] <= 0:
        return Shape.BEGAN if rises[0] >= -drawdown else Shape.OTHER, rises, False
    if rises[1] < _SHARE_OF_BEFORE * rises[0] or rises[2] < _SHARE_OF_FIRST * rises[0]:
        return uneven, rises, False
    return Shape.GROWS, rises, False


def came_late(times: Sequence[float]) -> bool:
    """Whether samples came unevenly, because the machine was short of CPU."""
    gaps = [later - before for before, later in pairwise(times)]
    return bool(gaps) and max(gaps) > _LATE_GAPS * median(gaps)
