"""Trends and growth reports, on samples made by hand."""

from __future__ import annotations

import random

import pytest

from ops_service.heap.model import Census, TypeCount, WalkMode
from ops_service.leaks.trend import theil_sen_slope
from ops_service.leaks.watch import HeapGrowthWatch, Verdict


def census(time: float, mode: WalkMode = WalkMode.FORKED, **types: tuple[int, int]) -> Census:
    rows = tuple(TypeCount(name, count, size, 0, False) for name, (count, size) in types.items())
    return Census(
        capture_time=time,
        mode=mode,
        pause=0.01,
        types=rows,
        own_types=(),
        object_count=sum(row.count for row in rows),
        total_size=sum(row.total_size for row in rows),
        resident_bytes=1,
        warnings=(),
    )


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


def test_outliers_do_not_move_the_slope() -> None:
    source = random.Random(1)
    times = list(range(30))
    values = [2.0 * time for time in times]
    for place in source.sample(times, 6):
        values[place] += 10_000
    assert theil_sen_slope(times, values) == pytest.approx(2.0, rel=0.1)


def test_times_and_values_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        theil_sen_slope([1, 2], [1])


def test_the_first_sample_shows_no_growth() -> None:
    report = HeapGrowthWatch(10).add(census(0, A=(5, 50)))
    assert report.sample_count == 1
    assert report.types == ()
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "at least two" in report.reason


def test_growth_is_counted_from_the_first_sample() -> None:
    watch = HeapGrowthWatch(10)
    for number in range(4):
        report = watch.add(
            census(
                30.0 * number,
                grows=(10 + number, 100 + 20 * number),
                shrinks=(10 - number, 100 - number),
                stays=(1, 1),
                **({"comes": (1, 8)} if number else {}),
            )
        )
    by_name = {row.type_name: row for row in report.types}
    assert set(by_name) == {"grows", "comes"}
    row = by_name["grows"]
    assert (row.count, row.total_size) == (13, 160)
    assert (row.count_difference, row.size_difference) == (3, 60)
    assert (row.count_per_minute, row.size_per_minute) == (2.0, 40.0)
    # Fastest first.
    assert [row.type_name for row in report.types] == ["grows", "comes"]
    assert (report.sample_count, watch.sample_count) == (4, 4)


def test_a_flat_heap_is_no_proof() -> None:
    watch = HeapGrowthWatch(10)
    watch.add(census(0, A=(1, 1)))
    watch.add(census(60, A=(1, 1)))
    verdict, reason = watch.conclude()
    assert verdict is Verdict.INCONCLUSIVE
    assert "No type grew over 60.0 s" in reason


def test_without_sizes_counts_rank() -> None:
    watch = HeapGrowthWatch(10)
    watch.add(census(0, WalkMode.OBJGRAPH, A=(1, 0), B=(1, 0)))
    report = watch.add(census(1, WalkMode.OBJGRAPH, A=(3, 0), B=(9, 0)))
    assert [row.type_name for row in report.types] == ["B", "A"]


def test_the_limit_keeps_the_largest() -> None:
    watch = HeapGrowthWatch(2)
    watch.add(census(0))
    report = watch.add(census(1, **{f"T{i}": (i, 10 * i) for i in range(1, 50)}))
    assert [row.type_name for row in report.types] == ["T49", "T48"]
    assert "49" in report.reason


def test_types_of_one_name_are_added_up() -> None:
    watch = HeapGrowthWatch(2)
    rows = (TypeCount("A", 1, 10, 0, False), TypeCount("A", 2, 30, 0, False))
    base = census(0)
    watch.add(base)
    both = Census(1.0, WalkMode.FORKED, 0.0, rows, (), 3, 40, 0, ())
    (row,) = watch.add(both).types
    assert (row.count, row.total_size) == (3, 40)


def test_another_method_begins_anew() -> None:
    watch = HeapGrowthWatch(5)
    watch.add(census(0, WalkMode.FORKED, A=(1, 10)))
    report = watch.add(census(1, WalkMode.OBJGRAPH, A=(900, 0)))
    assert report.types == ()
    assert report.sample_count == 2


def test_a_long_watch_stays_small_and_keeps_its_baseline() -> None:
    watch = HeapGrowthWatch(1)
    for number in range(1000):
        report = watch.add(census(60.0 * number, A=(number, number)))
    (row,) = report.types
    assert row.count_difference == 999
    assert row.count_per_minute == pytest.approx(1.0)
    assert len(watch._kept) <= 32
    assert report.sample_count == 1000
