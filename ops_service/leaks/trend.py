"""Robust trends of short series: does it grow, and how fast?"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import sqrt
from statistics import median

MIN_SAMPLES = 6
"""Fewer tell nothing: each third of a series needs two."""

# A rise that goes on is about the same in each third of the time.
_SHARE_OF_BEFORE = 0.45
_SHARE_OF_FIRST = 0.3
_MIN_RISES = 4
# Of the rise, the part that one interval may hold: what comes at once is no leak.
_MAX_JUMP = 0.5


class Shape(enum.Enum):
    """What a series does."""

    TOO_SHORT = "too short"
    GROWS = "grows"
    """It rises in every part, and does not give back what it gained."""
    BEGAN = "began to grow"
    """It rises steadily, but not from the beginning on."""
    OTHER = "does not grow"


@dataclass(frozen=True, slots=True)
class Rate:
    """A slope per second, and where it lies with 95% confidence."""

    slope: float
    low: float
    high: float


def theil_sen_slope(times: Sequence[float], values: Sequence[float]) -> float:
    """The median of the slopes between all pairs of points, 0 for fewer than two.

    A few outliers do not move it. Takes time that grows with the square of the
    number of points.

    Args:
        times: Ascending. Pairs at the same time are left out.
        values: One for each time.
    """
    slopes = _slopes(times, values)
    return median(slopes) if slopes else 0.0


def theil_sen_rate(times: Sequence[float], values: Sequence[float]) -> Rate:
    """`theil_sen_slope` with its interval, by the ranks of the slopes."""
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
    """For each point, the least value from there on: what stayed to the end."""
    envelope = list(values)
    for i in range(len(envelope) - 2, -1, -1):
        envelope[i] = min(envelope[i], envelope[i + 1])
    return envelope


def _value_at(times: Sequence[float], values: Sequence[float], time: float) -> float:
    """The value at a time between the samples, on the line from one to the next."""
    after = next(i for i in range(len(times)) if times[i] >= time)
    if after == 0 or times[after] == time:
        return values[after]
    begin, end = times[after - 1], times[after]
    share = (time - begin) / (end - begin)
    return values[after - 1] + share * (values[after] - values[after - 1])


def shape_of(times: Sequence[float], values: Sequence[float], least: float = 0.0) -> Shape:
    """What a series does. Takes time that grows with the number of points.

    Only what stays is looked at, the lower envelope. A wave or a sawtooth comes back
    to where it was, so its envelope is flat; a cache that fills has one that is flat
    at the end; a leak has one that rises in every third of the time.

    Args:
        times: Ascending.
        values: One for each time.
        least: A smaller rise is none.
    """
    count = len(values)
    if count < MIN_SAMPLES:
        return Shape.TOO_SHORT
    if values[-1] <= values[0]:
        return Shape.OTHER
    envelope = lower_envelope(values)
    span = times[-1] - times[0]
    first, second = (_value_at(times, envelope, times[0] + span * n / 3) for n in (1, 2))
    rises = (
        first - envelope[0],
        second - first,
        # The last points have nothing behind them that would bring them down.
        min(values[-2:]) - second,
    )
    drawdown = max(value - low for value, low in zip(values, envelope, strict=True))
    total = sum(rises)
    steps = [later - low for low, later in pairwise(envelope)]
    if total <= least or rises[1] <= 0 or rises[2] <= 0:
        return Shape.OTHER
    if rises[0] + rises[1] < drawdown:
        return Shape.OTHER
    # A long interval, as on a machine without time, may hold as much as it is long.
    gaps = [later - time for time, later in pairwise(times)]
    if any(step > (_MAX_JUMP + gap / span) * total for step, gap in zip(steps, gaps, strict=True)):
        return Shape.OTHER
    if rises[2] < _SHARE_OF_BEFORE * rises[1]:
        return Shape.OTHER
    if sum(step > 0 for step in steps) < _MIN_RISES:
        return Shape.OTHER
    if rises[0] <= 0:
        return Shape.BEGAN if rises[0] >= -drawdown else Shape.OTHER
    if rises[1] < _SHARE_OF_BEFORE * rises[0] or rises[2] < _SHARE_OF_FIRST * rises[0]:
        return Shape.OTHER
    return Shape.GROWS
