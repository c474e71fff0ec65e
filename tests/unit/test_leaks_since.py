"""Conclusions from a baseline, and the maximum age of instances."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from growth_samples import ELEMENT, Heap

from ops_service.leaks.analysis import GrowthAnalysis
from ops_service.leaks.report import GrowthReport, SinceBaseline, Survivors, Verdict
from ops_service.leaks.since import Since, course_of, with_baseline
from ops_service.leaks.survivors import survivors

DAY = 86_400.0
SAMPLES = 13
INTERVAL = 10.0


def judged(
    kept: Callable[[float], int], later: float = DAY, samples: int = SAMPLES, busy: bool = True
) -> tuple[GrowthReport, SinceBaseline]:
    """A watch of two minutes, a day after a baseline. `kept` is a list's length by time."""
    heap, baseline, watch = Heap(), GrowthAnalysis(10), GrowthAnalysis(10)
    top = heap.node("list", "KEPT", heap.node("module", "shop"))
    item = heap.node("shop.Order", parent=top, kind=ELEMENT)
    request = heap.node("shop.Request", "current")

    def at(time: float, number: int) -> None:
        heap.set(top, 1, 64, kept(time))
        heap.set(item, kept(time), 1000 * kept(time))
        heap.set(request, 3 + (number % 3 if busy else 0))

    at(0.0, 0)
    baseline.append_point(heap.sample(0.0))
    for number in range(samples):
        time = later + INTERVAL * number
        at(time, number)
        latest = heap.sample(time)
        baseline.accumulate(latest)
        watch.add(latest)
    since = baseline.extended_to(latest, 10).grown_since(watch)
    return with_baseline(watch.report(), since), since


def held(since: SinceBaseline) -> list[tuple[str, str]]:
    return [(each.type_name, each.holder.text) for each in since.suspects]


def test_what_goes_on_at_the_rate_of_before_is_a_leak() -> None:
    # One each ten seconds, in fives: too uneven for a watch of two minutes alone.
    report, since = judged(lambda time: 1000 + 5 * (int(time) // 50))
    assert held(since) == [("shop.Order", "shop.KEPT (list)")]
    assert report.verdict is since.verdict is Verdict.LEAK
    assert report.reason.startswith("shop.Order: 1,000 -> 9,650")
    assert "held by shop.KEPT (list), in the 24 hours since the baseline" in report.reason


def test_a_cache_that_filled_since_is_named_and_does_not_leak() -> None:
    report, since = judged(lambda time: 1000 + int(min(time, DAY / 2) // 5))
    assert held(since) == [("shop.Order", "shop.KEPT (list)")]
    assert report.verdict is since.verdict is Verdict.NO_LEAK
    assert report.reason.endswith(since.reason)
    assert "since the baseline has stopped: shop.Order: 1,000 -> 9,640" in report.reason


def test_a_watch_that_is_too_short_says_how_long_it_takes() -> None:
    # Two an hour: none appears in two minutes, whether it leaks or not.
    report, _ = judged(lambda time: 1000 + int(time // 1800), later=7 * DAY)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.missing == "a watch of 5 hours"
    assert "in the 7 days since the baseline" in report.reason


def test_little_growth_is_not_worth_a_watch() -> None:
    report, since = judged(lambda time: 1000 + int(time // 3600))
    assert since.suspects
    assert since.verdict is None
    assert report.verdict is Verdict.NO_LEAK


def test_what_the_watch_saw_itself_is_stronger() -> None:
    report, since = judged(lambda time: 1000 + int(time))
    assert since.verdict is Verdict.LEAK
    assert report.verdict is Verdict.LEAK
    assert "baseline" not in report.reason


@pytest.mark.parametrize(
    ("samples", "busy", "missing"), [(4, True, "2 more samples"), (13, False, "traffic")]
)
def test_a_watch_that_saw_too_little_stays_inconclusive(
    samples: int, busy: bool, missing: str
) -> None:
    report, _ = judged(lambda time: 1000 + int(min(time, DAY / 2) // 5), samples=samples, busy=busy)
    assert (report.verdict, report.missing) == (Verdict.INCONCLUSIVE, missing)


@pytest.mark.parametrize(
    ("values", "since"),
    [
        ([100] * 10, Since.STOPPED),
        ([100 + 2 * number for number in range(10)], Since.GOES_ON),
        # All of it at once, or in one half of the watch.
        ([100] * 6 + [120] * 4, Since.UNKNOWN),
        ([100 + 4 * min(number, 4) for number in range(10)], Since.UNKNOWN),
        # Objects that come and go do not stay.
        ([100, 110, 120, 130, 100] * 2, Since.STOPPED),
        # Slower than before, and too few samples.
        ([100 + number // 2 for number in range(10)], Since.UNKNOWN),
        ([100, 102, 104], Since.UNKNOWN),
    ],
)
def test_course(values: list[int], since: Since) -> None:
    # Before the watch, 100 came in 50 s.
    times = [50.0 + number for number in range(len(values))]
    assert course_of((0.0, 0.0), times, values, 1.0).since is since


def test_a_rate_is_known_for_no_longer_than_it_was_seen() -> None:
    times = [5.0 + number for number in range(10)]
    assert course_of((0.0, 0.0), times, [100] * 10, 1.0).since is Since.UNKNOWN


def test_growth_since_a_baseline_by_type() -> None:
    heap, baseline = Heap(), GrowthAnalysis(1)
    session = heap.node("shop.Session", parent=heap.node("dict", "REGISTRY"), kind=ELEMENT)
    heap.set(session, 1000)
    baseline.append_point(heap.sample(0.0))
    for days, count in ((1, 1010), (2, 1020), (40, 1400)):
        heap.set(session, count)
        latest = heap.sample(DAY * days)
        baseline.accumulate(latest)
    (row,) = baseline.extended_to(latest, 10).types()
    assert (row.type_name, row.count_difference) == ("shop.Session", 400)
    recent = GrowthAnalysis(10)
    recent.append_point(heap.sample(DAY * 40))
    (suspect,) = baseline.extended_to(latest, 10).grown_since(recent).suspects
    assert (suspect.type_name, suspect.holder.text) == ("shop.Session", "REGISTRY (dict)")
    assert suspect.counts == (1000, 1400)
    # A query changes nothing.
    assert baseline.extended_to(latest, 10).types() == (row,)


def test_names_that_came_since_are_one_suspect() -> None:
    heap, baseline, recent = Heap(), GrowthAnalysis(10), GrowthAnalysis(10)
    space = heap.node("types.SimpleNamespace", "SPACE")
    heap.set(space, 1)
    baseline.append_point(heap.sample(0.0))
    for number in range(30):
        heap.set(heap.node("app.Value", f"name{number}", space), 1)
    latest = heap.sample(DAY)
    baseline.accumulate(latest)
    recent.append_point(latest)
    (suspect,) = baseline.extended_to(latest, 10).grown_since(recent).suspects
    assert (suspect.type_name, suspect.counts) == ("app.Value", (0, 30))
    assert suspect.holder.text == "SPACE (types.SimpleNamespace)"


# ---- survivors ----------------------------------------------------------------------------


def test_no_more_survive_than_there_were_ever_since() -> None:
    times = [10.0 * number for number in range(9)]
    counts = [100, 130, 90, 140, 150, 120, 160, 170, 180]
    assert survivors(times, counts) == (
        Survivors(80.0, 90),
        Survivors(60.0, 90),
        Survivors(40.0, 120),
        Survivors(20.0, 160),
    )


def test_few_samples_have_few_ages() -> None:
    assert survivors([5.0], [7]) == ()
    assert survivors([0.0, 5.0], [7, 9]) == (Survivors(5.0, 7),)
