"""Trends of series made by hand."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from growth_samples import LATE, STEPS, WORK

from ops_service.leaks.trend import Shape, came_late, shape_of, theil_sen_rate, theil_sen_slope


@pytest.mark.parametrize(
    ("times", "values", "slope"),
    [
        ([], [], 0),
        ([1], [5], 0),
        ([0, 1], [0, 3], 3),
        ([0, 1, 2, 3], [1, 3, 5, 7], 2),
        ([0, 1, 2, 3], [7, 5, 3, 1], -2),
        ([0, 0, 1], [0, 5, 2], -0.5),
        ([0, 0], [0, 5], 0),
    ],
)
def test_slope(times: list[float], values: list[float], slope: float) -> None:
    assert theil_sen_slope(times, values) == slope
    assert theil_sen_rate(times, values).slope == slope


def test_outliers_do_not_move_the_slope() -> None:
    source = random.Random(1)
    times = list(range(30))
    values = [2.0 * time for time in times]
    for place in source.sample(times, 6):
        values[place] += 10_000
    rate = theil_sen_rate(times, values)
    assert rate.slope == theil_sen_slope(times, values) == pytest.approx(2.0, rel=0.1)
    assert rate.low <= rate.slope <= rate.high


def test_times_and_values_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        theil_sen_slope([1, 2], [1])


def wave(step: int, period: float = 5.3) -> float:
    return 50 + 50 * math.sin(2 * math.pi * step / period)


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (lambda step: 7 * step, Shape.GROWS),
        (lambda step: step // 4, Shape.GROWS),
        (lambda step: 20 * step + wave(step), Shape.GROWS),
        (lambda step: 100 * math.sqrt(step + 50), Shape.GROWS),
        (lambda step: 5, Shape.OTHER),
        (lambda step: -step, Shape.OTHER),
        (wave, Shape.OTHER),
        (lambda step: wave(step, 7.9), Shape.OTHER),
        (lambda step: step % 7, Shape.OTHER),
        (lambda step: step % 10 * 100, Shape.OTHER),
        # Caches that fill: until the middle, until late, or ever more slowly.
        (lambda step: min(step, 10), Shape.OTHER),
        (lambda step: min(step, 17), Shape.UNEVEN),
        (lambda step: 1000 * (1 - math.exp(-step / 6)), Shape.UNEVEN),
        # An import, early and late.
        (lambda step: 500 * (step > 4), Shape.OTHER),
        (lambda step: 500 * (step > 20), Shape.OTHER),
        (lambda step: max(0, step - 9), Shape.BEGAN),
    ],
)
def test_shape(value: Callable[[int], float], shape: Shape) -> None:
    times = list(range(STEPS))
    assert shape_of(times, [value(step) for step in times]) is shape


@pytest.mark.parametrize("period", [2.7, 3.1, 4.4, 5.0, 6.2, 7.3, 8.0])
@pytest.mark.parametrize("phase", range(8))
def test_no_wave_is_a_leak(period: float, phase: int) -> None:
    values = [wave(step + phase * period / 8, period) for step in range(STEPS)]
    assert shape_of(list(range(STEPS)), values) is not Shape.GROWS


def test_a_long_interval_may_hold_much() -> None:
    times = [0, 1, 2, 3, 4, 5, 6, 18, 19, 20, 21, 22, 23, 24]
    assert shape_of(times, [1 + 10 * time for time in times]) is Shape.GROWS
    # Without a long interval to explain it, the same jump is not growth.
    assert shape_of(list(range(14)), [1 + 10 * time for time in times]) is Shape.UNEVEN


def test_growth_with_the_work_of_a_process_that_had_to_wait() -> None:
    assert came_late(LATE)
    assert not came_late(list(range(20)))
    grown = [1 + 100 * work for work in WORK]
    assert shape_of(LATE, grown) is not Shape.GROWS
    assert shape_of(LATE, grown, work=WORK) is Shape.GROWS
    # The work need not explain the growth, if it continues to the end and nothing is freed.
    paced = [1.0, 10, 20, 30, 31, 41, 51, 61, 71, 81]
    assert shape_of(LATE, paced) is Shape.UNEVEN
    assert shape_of(LATE, paced, work=[float(number) ** 3 for number in range(10)]) is Shape.GROWS
    at_once = [0.0, 1, 2, 3, 4, 5, 6, 500, 501, 502]
    assert shape_of(LATE, at_once, work=WORK) is not Shape.GROWS
    # A cache that fills is not growth, by either measure.
    filled = [min(work, 5.2) for work in WORK]
    assert shape_of(LATE, filled, work=WORK) is not Shape.GROWS


def test_what_was_not_there_at_first_takes_more_samples() -> None:
    assert shape_of(list(range(7)), list(range(7))) is Shape.BEGAN
    assert shape_of(list(range(7)), list(range(50, 57))) is Shape.GROWS
    assert shape_of(list(range(9)), list(range(9))) is Shape.BEGAN
    assert shape_of(list(range(10)), list(range(10))) is Shape.GROWS
    # A cache that filled up is not growth, whatever it does later.
    filled = [0, 40, 43, 38, 45, 41, 44, 39, 46, 42, 45, 43]
    assert shape_of(list(range(12)), filled) is not Shape.GROWS


def test_few_samples_have_no_shape() -> None:
    assert shape_of([0, 1, 2], [0, 1, 2]) is Shape.TOO_SHORT
