"""Growth reports, on samples made by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from growth_samples import ELEMENT, LATE, MIB, STEPS, VALUE, WORK, Heap

from ops_service.heap.growth_sample import OtherInterpreters
from ops_service.heap.paths import EdgeKind, Root
from ops_service.leaks.analysis import GrowthAnalysis
from ops_service.leaks.report import GrowthReport, MemoryPart, Verdict
from ops_service.leaks.series import MAX_SAMPLES


def watched(change: Callable[[Heap, int], None], steps: int = STEPS, **facts: int) -> GrowthReport:
    """The report on a heap that a function changes before each sample."""
    heap, watch = Heap(), GrowthAnalysis(10)
    for step in range(steps):
        # In a working process something always comes and goes.
        heap.set(heap.node("app.Request", "current"), 5 + step % 3)
        change(heap, step)
        watch.add(heap.sample(float(step), **facts))
    return watch.report()


# ---- verdicts and suspects --------------------------------------------------------------


def sessions(heap: Heap, step: int) -> None:
    """A module's dict of sessions, each with a dict. The keys are strings."""
    registry = heap.node("dict", "REGISTRY", heap.node("module", "shop"))
    session = heap.node("shop.Session", parent=registry, kind=VALUE)
    heap.set(registry, 1, 64, 1000 + 10 * step)
    heap.set(session, 1000 + 10 * step)
    heap.set(heap.node("str", parent=registry, kind=EdgeKind.KEY), 1000 + 10 * step)
    heap.set(heap.node("dict", "flags", session), 1000 + 10 * step, 200 * (1000 + 10 * step))


def test_a_leak_names_type_holder_and_rate() -> None:
    report = watched(sessions)
    assert report.verdict is Verdict.LEAK
    (suspect,) = report.suspects
    assert suspect.type_name == "shop.Session"
    assert suspect.also == ("dict", "str")
    assert suspect.holder.text == "shop.REGISTRY (dict)"
    assert suspect.holder.type_name == "dict"
    assert suspect.holder.lengths[0] == 1000
    assert suspect.holder.lengths[-1] == 1230
    assert suspect.sample_path == "shop.REGISTRY[…] (shop.Session)"
    assert suspect.count_per_minute.rate == 600
    assert suspect.size_per_minute.rate == 600 * (64 + 64 + 200)
    assert "shop.Session: 1,000 -> 1,230" in report.reason
    assert suspect.counts == tuple(1000 + 10 * step for step in range(STEPS))


def test_growth_of_types_is_told_too() -> None:
    rows = {row.type_name: row for row in watched(sessions).types}
    assert rows["shop.Session"].count_difference == 230
    assert rows["shop.Session"].count_per_minute == 600
    assert next(iter(rows)) == "dict"


def test_a_steady_heap_does_not_leak() -> None:
    report = watched(lambda heap, step: None)
    assert report.verdict is Verdict.NO_LEAK
    assert report.suspects == ()


def test_an_idle_heap_is_no_proof() -> None:
    heap, watch = Heap(), GrowthAnalysis(10)
    heap.set(heap.node("app.Request", "current"), 5)
    for step in range(10):
        watch.add(heap.sample(float(step)))
    report = watch.report()
    assert (report.verdict, report.missing) == (Verdict.INCONCLUSIVE, "traffic")


def test_few_samples_are_no_proof() -> None:
    report = watched(sessions, steps=4)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.missing == "2 more samples"


@pytest.mark.parametrize(
    ("rate", "verdict"), [(100, Verdict.LEAK), (0, Verdict.INCONCLUSIVE), (None, Verdict.NO_LEAK)]
)
def test_a_starved_machine_is_no_proof_that_nothing_leaks(
    rate: int | None, verdict: Verdict
) -> None:
    heap, watch = Heap(), GrowthAnalysis(10)
    kept = heap.node("app.Kept", parent=heap.node("list", "KEPT"), kind=ELEMENT)
    for number, (time, work) in enumerate(zip(LATE, WORK, strict=True)):
        heap.set(heap.node("app.Request", "current"), 5 + number % 3)
        if rate is not None:
            # In step with the work, or in a way that nothing explains.
            unexplained = 1000 * (1 - math.exp(-number / 2))
            heap.set(kept, 1000 + int(rate * work if rate else unexplained))
        sample = heap.sample(time)
        watch.add(replace(sample, work=work))
    assert watch.report().verdict is verdict


def test_growth_that_has_just_begun_takes_more_time() -> None:
    def change(heap: Heap, step: int) -> None:
        heap.set(
            heap.node("app.Job", parent=heap.node("list", "JOBS"), kind=ELEMENT), max(0, step - 10)
        )

    report = watched(change)
    assert (report.verdict, report.missing) == (Verdict.INCONCLUSIVE, "more time")
    assert "JOBS[…] (app.Job)" in report.reason


def test_the_item_says_more_than_its_wrapper() -> None:
    def change(heap: Heap, step: int) -> None:
        rows = heap.node("list", "rows", heap.node("app.Export", "EXPORT"))
        row = heap.node("tuple", parent=rows, kind=ELEMENT)
        heap.set(rows, 1, 64, step)
        heap.set(row, step)
        heap.set(heap.node("app.Order", parent=row, kind=ELEMENT), step)

    (suspect,) = watched(change).suspects
    assert suspect.type_name == "app.Order"
    assert suspect.also == ("tuple",)
    assert suspect.holder.text == "EXPORT.rows (list)"
    assert suspect.holder.owner_type == "app.Export"


def test_builtins_leak_by_their_own_name() -> None:
    def change(heap: Heap, step: int) -> None:
        row = heap.node("tuple", parent=heap.node("list", "ROWS"), kind=ELEMENT)
        heap.set(row, 3 * step)
        heap.set(heap.node("str", parent=row, kind=ELEMENT), 3 * step)

    (suspect,) = watched(change).suspects
    assert (suspect.type_name, suspect.also) == ("tuple", ("str",))


def test_inner_containers_are_the_holders() -> None:
    def change(heap: Heap, step: int) -> None:
        outer = heap.node("dict", "BY_TENANT")
        inner = heap.node("list", parent=outer, kind=VALUE)
        heap.set(outer, 1, 64, 8)
        heap.set(inner, 8, 8 * 64 + 8 * step, step)
        heap.set(heap.node("app.Event", parent=inner, kind=ELEMENT), step)

    (suspect,) = watched(change).suspects
    assert suspect.holder.text == "BY_TENANT[…] (list)"


def test_one_object_that_grows() -> None:
    def change(heap: Heap, step: int) -> None:
        heap.set(
            heap.node("bytearray", "BUFFER", heap.node("module", "app")),
            1,
            1000 * step,
            1000 * step,
        )

    (suspect,) = watched(change).suspects
    assert suspect.type_name == "bytearray"
    assert suspect.holder.text == "app.BUFFER (bytearray)"
    assert suspect.count_per_minute.rate == 0
    assert suspect.size_per_minute.rate == 60_000


@pytest.mark.parametrize(("count", "verdict"), [(1, Verdict.LEAK), (700, Verdict.NO_LEAK)])
def test_texts_that_become_longer_by_a_digit(count: int, verdict: Verdict) -> None:
    """The entries of a full cache, with numbers that pass 10,000."""

    def change(heap: Heap, step: int) -> None:
        entries = heap.node("list", "page")
        text = heap.node("str", parent=entries, kind=ELEMENT)
        heap.set(text, count, 53 * 700 + 60 * step)

    assert watched(change).verdict is verdict


def test_a_buffer_is_told_by_the_object_that_keeps_it() -> None:
    def change(heap: Heap, step: int) -> None:
        file = heap.node("_io.BytesIO", "OUT", heap.node("module", "app"))
        heap.set(file, 1, 1000 * step, 1000 * step)
        heap.set(heap.node("bytes", parent=file, kind=EdgeKind.INTERNAL), 1, 1050 * step)

    (suspect,) = watched(change).suspects
    assert suspect.type_name == "_io.BytesIO"


def test_leaks_of_different_rates_are_told_apart() -> None:
    def change(heap: Heap, step: int) -> None:
        sessions(heap, step)
        heap.set(heap.node("app.Rare", parent=heap.node("list", "SLOW"), kind=ELEMENT), step // 3)

    report = watched(change)
    assert [each.type_name for each in report.suspects] == ["shop.Session", "app.Rare"]
    assert report.suspects[1].count_per_minute.rate == pytest.approx(20, rel=0.2)


def test_functions_of_atexit_are_held_by_it() -> None:
    def change(heap: Heap, step: int) -> None:
        method = heap.node("method", "atexit", Root.INTERPRETER, EdgeKind.ROOT)
        heap.set(method, step)
        heap.set(heap.node("app.Plugin", "__self__", method, EdgeKind.INTERNAL), step)

    (suspect,) = watched(change).suspects
    assert suspect.type_name == "app.Plugin"
    assert suspect.holder.text == "the interpreter -> atexit"


def test_weak_references_to_what_leaks_are_no_leak_of_their_own() -> None:
    def change(heap: Heap, step: int) -> None:
        sessions(heap, step)
        watchers = heap.node("set", "WATCHERS")
        heap.set(watchers, 1, 64, step)
        heap.set(heap.node("weakref.ReferenceType", parent=watchers, kind=ELEMENT), step)

    assert [each.type_name for each in watched(change).suspects] == ["shop.Session"]


def test_names_without_end_are_one_suspect() -> None:
    def change(heap: Heap, step: int) -> None:
        space = heap.node("types.SimpleNamespace", "SPACE")
        for number in range(3 * step):
            heap.set(heap.node("app.Value", f"name{number}", space), 1)

    (suspect,) = watched(change).suspects
    assert suspect.type_name == "app.Value"
    assert suspect.count == 3 * (STEPS - 1)
    assert suspect.holder.text == "SPACE (types.SimpleNamespace)"


def test_what_comes_with_names_counts_with_them_and_the_bound_of_names_is_no_break() -> None:
    most = 3 * STEPS // 2

    def change(heap: Heap, step: int) -> None:
        space = heap.node("types.SimpleNamespace", "SPACE")
        for number in range(min(3 * step, most)):
            value = heap.node("app.Value", f"name{number}", space)
            heap.set(value, 1, 100)
            heap.set(heap.node("bytes", "body", value), 1, 1000)
        if 3 * step > most:
            # One node folds the names that the table has no room for.
            value = heap.node("app.Value", "", space, kind=EdgeKind.ATTRIBUTE)
            past = 3 * step - most
            heap.set(value, past, 100 * past)
            heap.set(heap.node("bytes", "body", value), past, 1000 * past)

    (suspect,) = watched(change).suspects
    assert suspect.type_name == "app.Value"
    assert suspect.also == ("bytes",)
    assert suspect.count == 3 * (STEPS - 1)
    assert suspect.size == 3 * (STEPS - 1) * 1100


@pytest.mark.parametrize(
    ("root", "collects", "verdict"),
    [
        (Root.GARBAGE, True, Verdict.NO_LEAK),
        (Root.GARBAGE, False, Verdict.LEAK),
        (Root.FROZEN_GARBAGE, True, Verdict.LEAK),
        (Root.HELD_BY_C, True, Verdict.LEAK),
        (Root.OWN, True, Verdict.NO_LEAK),
    ],
)
def test_what_no_root_reaches(root: Root, collects: bool, verdict: Verdict) -> None:
    heap, watch = Heap(), GrowthAnalysis(10)
    for step in range(STEPS):
        heap.set(heap.node("app.Knot", parent=root, kind=EdgeKind.ROOT), step)
        heap.set(heap.node("app.Request", "current"), step % 3)
        watch.add(heap.sample(float(step), collects=collects))
    report = watch.report()
    assert report.verdict is verdict
    assert [each.type_name for each in report.suspects] == ["app.Knot"] * (verdict is Verdict.LEAK)
    if root is Root.GARBAGE and not collects:
        assert "collector is off" in report.reason


# ---- outside Python ------------------------------------------------------------------------


def test_malloc_that_grows_is_outside() -> None:
    heap, watch = Heap(), GrowthAnalysis(10)
    for step in range(STEPS):
        heap.set(heap.node("app.Request", "current"), step % 3)
        grown = step * MIB // 4
        watch.add(heap.sample(float(step), malloc=MIB + grown, resident=100 * MIB + grown))
    report = watch.report()
    assert report.verdict is Verdict.OUTSIDE_PYTHON
    (part,) = report.outside
    assert part.part is MemoryPart.MALLOC
    assert part.bytes_per_minute.rate == 15 * MIB
    assert "memray" in part.advice


# ---- other interpreters ----------------------------------------------------------------------

READ = OtherInterpreters(exist=True, unread=False)
UNREAD = OtherInterpreters(exist=True, unread=True)


def watched_beside(
    change: Callable[[Heap, int], None], others: OtherInterpreters, malloc: int = 0
) -> GrowthReport:
    """The report where the third sample alone saw other interpreters."""
    heap, watch = Heap(), GrowthAnalysis(10)
    for step in range(STEPS):
        heap.set(heap.node("app.Request", "current"), 5 + step % 3)
        change(heap, step)
        grown = step * malloc
        sample = heap.sample(float(step), malloc=MIB + grown, resident=100 * MIB + grown)
        watch.add(replace(sample, others=others if step == 2 else OtherInterpreters()))
    return watch.report()


def nothing(heap: Heap, step: int) -> None:
    """Leave the heap as it is."""


@pytest.mark.parametrize("others", [READ, UNREAD])
def test_memory_beside_other_interpreters_may_be_theirs(others: OtherInterpreters) -> None:
    report = watched_beside(nothing, others, MIB // 4)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.reason.startswith("malloc memory grows by")
    assert report.reason.endswith("and the memory may be theirs.")
    assert report.missing == "a watch while the process has a single interpreter"
    alone = watched_beside(nothing, OtherInterpreters(), MIB // 4)
    assert alone.verdict is Verdict.OUTSIDE_PYTHON


def test_unread_interpreters_may_leak() -> None:
    report = watched_beside(nothing, UNREAD)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "were not read, and they may leak" in report.reason
    assert report.missing == "a watch while every interpreter can be read"


def test_interpreters_that_were_read_allow_no_leak() -> None:
    assert watched_beside(nothing, READ).verdict is Verdict.NO_LEAK


def test_garbage_of_other_interpreters_may_stay() -> None:
    def garbage(heap: Heap, step: int) -> None:
        node = heap.node("app.Node", parent=Root.GARBAGE, kind=EdgeKind.ROOT)
        heap.set(node, 1000 + 100 * step)

    report = watched_beside(garbage, READ)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "that of another interpreter" in report.reason
    assert watched_beside(garbage, OtherInterpreters()).verdict is Verdict.NO_LEAK


@pytest.mark.parametrize("others", [READ, UNREAD])
def test_a_leak_beside_other_interpreters_is_one(others: OtherInterpreters) -> None:
    assert watched_beside(sessions, others).verdict is Verdict.LEAK


def test_a_watch_that_begins_again_forgets_other_interpreters() -> None:
    watch = GrowthAnalysis(10)
    for others in (UNREAD, OtherInterpreters()):
        heap = Heap()
        for step in range(STEPS):
            heap.set(heap.node("app.Request", "current"), 5 + step % 3)
            watch.add(replace(heap.sample(float(step)), others=others))
    assert watch.report().verdict is Verdict.NO_LEAK


@pytest.mark.parametrize(("own", "verdict"), [(0, Verdict.OUTSIDE_PYTHON), (1, Verdict.NO_LEAK)])
def test_the_books_of_ops_service_are_not_outside(own: int, verdict: Verdict) -> None:
    heap, watch = Heap(), GrowthAnalysis(10)
    for step in range(STEPS):
        heap.set(heap.node("app.Request", "current"), step % 3)
        grown = step * MIB // 4
        sample = heap.sample(float(step), malloc=MIB + grown)
        paths = replace(sample.paths, own_size=own * grown, own_large_size=own * grown)
        watch.add(replace(sample, paths=paths))
    assert watch.report().verdict is verdict


def test_resident_memory_that_no_allocator_counts_is_outside() -> None:
    heap, watch = Heap(), GrowthAnalysis(10)
    for step in range(STEPS):
        heap.set(heap.node("app.Request", "current"), step % 3)
        watch.add(heap.sample(float(step), malloc=MIB, resident=(100 + step) * MIB))
    report = watch.report()
    assert report.verdict is Verdict.OUTSIDE_PYTHON
    assert report.outside[0].part is MemoryPart.ANONYMOUS


@pytest.mark.parametrize(
    ("seconds", "mebibytes", "verdict"),
    [
        (1, 12, Verdict.OUTSIDE_PYTHON),
        (8, 6, Verdict.NO_LEAK),
        (60, 8, Verdict.NO_LEAK),
        (60, 40, Verdict.OUTSIDE_PYTHON),
    ],
)
def test_pages_that_are_touched_late_are_no_growth(
    seconds: int, mebibytes: int, verdict: Verdict
) -> None:
    heap, watch = Heap(), GrowthAnalysis(10)
    for step in range(STEPS):
        heap.set(heap.node("app.Request", "current"), step % 3)
        resident = 100 * MIB + step * mebibytes * MIB // STEPS
        watch.add(heap.sample(float(step * seconds), malloc=MIB, resident=resident))
    assert watch.report().verdict is verdict


def test_python_that_grows_is_not_outside() -> None:
    heap, watch = Heap(), GrowthAnalysis(10)
    for step in range(STEPS):
        sessions(heap, step)
        watch.add(heap.sample(float(step), resident=100 * MIB + step * 4000))
    assert watch.report().verdict is Verdict.LEAK


# ---- long and broken watches -----------------------------------------------------------------


def test_a_report_needs_a_sample() -> None:
    with pytest.raises(ValueError, match="needs a sample"):
        GrowthAnalysis(10).report()


def test_a_long_watch_stays_small_and_keeps_its_first_sample() -> None:
    report = watched(sessions, steps=1500)
    (suspect,) = report.suspects
    assert len(suspect.counts) <= MAX_SAMPLES
    assert suspect.counts[0] == 1000
    assert suspect.counts[-1] == 1000 + 14_990
    assert suspect.count_per_minute.rate == pytest.approx(600)
    assert report.sample_count == 1500
    assert len(report.times) == len(report.resident) == len(report.python) == len(suspect.counts)


def test_another_table_begins_anew() -> None:
    watch = GrowthAnalysis(10)
    for _ in range(2):
        heap = Heap()
        for step in range(4):
            sessions(heap, step)
            watch.add(heap.sample(float(step)))
    report = watch.report()
    assert report.verdict is Verdict.INCONCLUSIVE
    assert any("started again" in warning for warning in report.warnings)


def test_samples_between_the_points_are_not_lost() -> None:
    heap, watch = Heap(), GrowthAnalysis(10)
    for step in range(3 * STEPS):
        sessions(heap, step)
        sample = heap.sample(float(step))
        watch.accumulate(sample)
        if step % 3 == 0:
            watch.append_point(sample)
    (suspect,) = watch.report().suspects
    assert suspect.counts == tuple(1000 + 30 * step for step in range(STEPS))
