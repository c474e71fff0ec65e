"""Robust trends of short series."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import median


def theil_sen_slope(times: Sequence[float], values: Sequence[float]) -> float:
    """The median of the slopes between all pairs of points, 0 for fewer than two.

    A few outliers do not move it. Takes time that grows with the square of the
    number of points.

    Args:
        times: Ascending. Pairs at the same time are left out.
        values: One for each time.
    """
    slopes = [
        (later_value - value) / (later - time)
        for (time, value), (later, later_value) in combinations(zip(times, values, strict=True), 2)
        if later > time
    ]
    return median(slopes) if slopes else 0.0
