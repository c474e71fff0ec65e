"""Alarms of the background watch, on samples made by hand at virtual times."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from growth_samples import ELEMENT, MIB, VALUE, Heap

from ops_service.heap.paths import EdgeKind, Root
from ops_service.leaks.analysis import GrowthAnalysis
from ops_service.leaks.report import GrowthReport, Verdict
from ops_service.watch.confirmation import Confirmation

# The interval of samples in a soak of five minutes.
INTERVAL = 1.7
SAMPLES = 120


def reports(
    change: Callable[[Heap, float], object], samples: int = SAMPLES, interval: float = INTERVAL
) -> Iterator[tuple[GrowthReport, GrowthReport]]:
    """The watch's report after each sample, and the background watch's judgement of it.

    Args:
        change: Changes the heap for a given time. Returns malloc's number of bytes in use.
    """
    heap, watch, confirmation = Heap(), GrowthAnalysis(10), Confirmation(interval)
    heap.set(heap.node("app.Module", "code"), 100_000, 30 * MIB)
    for number in range(samples):
        time = interval * number
        heap.set(heap.node("app.Request", "current"), 5 + number % 3)
        malloc = change(heap, time)
        watch.add(heap.sample(time, malloc=malloc if isinstance(malloc, int) else None))
        report = watch.report()
        yield report, confirmation.judge(report)


def verdicts(
    change: Callable[[Heap, float], object], samples: int = SAMPLES, interval: float = INTERVAL
) -> tuple[list[Verdict], list[Verdict]]:
    pairs = list(reports(change, samples, interval))
    return [raw.verdict for raw, _ in pairs], [judged.verdict for _, judged in pairs]


def cache(heap: Heap, count: int) -> None:
    """A module's dict of orders, each with its lines."""
    held = heap.node("dict", "CACHE", heap.node("module", "api"))
    order = heap.node("api.Order", parent=held, kind=VALUE)
    heap.set(held, 1, 64 + 100 * count, count)
    heap.set(order, count)
    heap.set(heap.node("api.Line", parent=order, kind=ELEMENT), 4 * count)


def test_a_cache_that_fills_when_the_load_begins_is_no_leak() -> None:
    """As uvicorn's cache in a soak: 0 to 39 entries in 24 s, as long as the load grew."""
    raw, judged = verdicts(lambda heap, time: cache(heap, min(int(1.6 * time), 39)))
    assert Verdict.LEAK in raw
    assert Verdict.LEAK not in judged
    assert judged[-1] is Verdict.NO_LEAK


def bounded(seed: int) -> Callable[[Heap, float], None]:
    """A cache whose entries live 5 s and arrive at random, each with some lines."""
    source = random.Random(seed)
    arrivals: list[float] = []
    at = 0.0
    while at < 2 * INTERVAL * SAMPLES:
        # The pace of the load varies, as on a machine that others use.
        at += source.expovariate(5.0) * (1.5 if int(at / 20) % 3 == seed % 3 else 1.0)
        arrivals.append(at)
    return lambda heap, time: cache(heap, sum(time - 5 < each <= time for each in arrivals))


@pytest.mark.long
def test_noise_that_reads_as_growth_once_is_no_leak() -> None:
    seen = 0
    for seed in range(40):
        raw, judged = verdicts(bounded(seed))
        seen += Verdict.LEAK in raw
        assert Verdict.LEAK not in judged, seed
    # Otherwise this test would prove nothing.
    assert seen


@pytest.mark.parametrize("interval", [0.2, 1.7, 300.0])
def test_a_leak_is_told_once_it_lasts(interval: float) -> None:
    raw, judged = verdicts(lambda heap, time: cache(heap, int(20 * time / interval)), 60, interval)
    alarm, confirmed = raw.index(Verdict.LEAK), judged.index(Verdict.LEAK)
    assert alarm < confirmed <= 40
    assert set(judged[confirmed:]) == {Verdict.LEAK}
    assert set(judged[alarm:confirmed]) == {Verdict.INCONCLUSIVE}


def test_a_large_leak_is_told_at_once() -> None:
    def change(heap: Heap, time: float) -> None:
        rows = heap.node("list", "ROWS", heap.node("module", "job"))
        heap.set(heap.node("job.Row", parent=rows, kind=ELEMENT), 1, int(time * MIB))

    raw, judged = verdicts(change)
    assert judged.index(Verdict.LEAK) == raw.index(Verdict.LEAK) < 12


def test_an_alarm_that_waits_says_so() -> None:
    waiting = [
        judged
        for raw, judged in reports(lambda heap, time: cache(heap, int(10 * time)))
        if raw.verdict is not judged.verdict
    ]
    assert {each.missing for each in waiting} == {"more time"}
    assert all("has not lasted" in each.reason and each.suspects for each in waiting)


# ---- outside Python ------------------------------------------------------------------------


def test_what_c_code_takes_for_its_connections_is_no_growth() -> None:
    """As in a soak: 3.5 KB a second for three minutes, in a process of 100 MiB."""
    raw, _ = verdicts(lambda heap, time: 10 * MIB + int(3500 * min(time, 170.0)))
    assert Verdict.OUTSIDE_PYTHON not in raw


@pytest.mark.parametrize("rate", [20_000, 200_000])
def test_malloc_that_grows_on_is(rate: int) -> None:
    raw, judged = verdicts(lambda heap, time: 10 * MIB + int(rate * time))
    assert raw[-1] is judged[-1] is Verdict.OUTSIDE_PYTHON


# ---- what is collected or imported ------------------------------------------------------


def test_garbage_that_has_begun_waits_for_the_collector_and_not_for_time() -> None:
    def change(heap: Heap, time: float) -> None:
        state = heap.node("grpc.RPCState", parent=Root.GARBAGE, kind=EdgeKind.ROOT)
        heap.set(state, max(0, int(time - 120) // 4))

    *_, (report, _) = reports(change)
    assert report.verdict is Verdict.NO_LEAK
    assert "garbage of grpc.RPCState waits for the next full collection" in report.reason


def test_what_is_imported_is_no_namespace_that_grows() -> None:
    def change(heap: Heap, time: float) -> None:
        module = heap.node("module", "django")
        for number in range(200 if time > 10 else 0):
            heap.set(heap.node("function", f"name{number}", module), 1)

    *_, (report, _) = reports(change, samples=30)
    assert report.verdict is Verdict.NO_LEAK
    assert {row.type_name: row.count_difference for row in report.types}["function"] == 200
