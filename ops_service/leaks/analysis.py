"""The analysis of one watch: receives its samples, and produces a growth report on request.

When samples are taken is decided in ``ops_service.watch``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from ops_service.heap.growth_sample import GrowthSample, OtherInterpreters
from ops_service.heap.paths import Change, PathNames
from ops_service.leaks.others import Conclusion, with_others
from ops_service.leaks.outside import MemorySeries, find_outside
from ops_service.leaks.report import (
    GrowthReport,
    OutsideGrowth,
    SinceBaseline,
    TypeGrowth,
    Verdict,
)
from ops_service.leaks.series import COUNT, MAX_SAMPLES, SIZE, NodeSeries
from ops_service.leaks.since import GrownSince
from ops_service.leaks.suspects import Found, SuspectFinder
from ops_service.leaks.trend import MIN_SAMPLES, theil_sen_slope

_MINUTE = 60.0
_NOTHING = Found((), (), (), ())


class GrowthAnalysis:
    """The samples of one watch.

    Add every sample of the process, since each holds only the changes since the previous
    one. A watch with a longer interval than others keeps only some samples as points of
    its series.
    """

    def __init__(self, limit: int) -> None:
        """
        Args:
            limit: Maximum number of suspects and types in a report.
        """
        self._limit = limit
        self._history = NodeSeries()
        self._figures: list[GrowthSample] = []
        self._names: PathNames | None = None
        self._pending: dict[int, Change] = {}
        self._sample_count = 0
        self._broken = 0
        self._others = OtherInterpreters()

    @property
    def sample_count(self) -> int:
        """Points added so far, including points that were thinned out."""
        return self._sample_count

    @property
    def latest_time(self) -> float:
        """Unix time of the latest point; 0 without points."""
        return self._figures[-1].time if self._figures else 0.0

    @property
    def first_time(self) -> float:
        """Unix time of the first point; 0 without points."""
        return self._figures[0].time if self._figures else 0.0

    def add(self, sample: GrowthSample) -> None:
        """Add a sample as a point of the series."""
        self.accumulate(sample)
        self.append_point(sample)

    def accumulate(self, sample: GrowthSample) -> None:
        """Collect the changes of a sample. Costs time for each change."""
        if sample.names is not self._names:
            # Numbers of another table or method cannot be compared, so start again.
            self._broken += self._names is not None and bool(self._figures)
            self._names = sample.names
            self._history.clear()
            self._figures.clear()
            self._pending.clear()
            self._others = OtherInterpreters()
        self._others = self._others.plus(sample.others)
        for change in sample.paths.changes:
            before = self._pending.get(change.node)
            if before is not None:
                change = replace(
                    change,
                    count_before=before.count_before,
                    size_before=before.size_before,
                    length_before=before.length_before,
                )
            self._pending[change.node] = change

    def append_point(self, sample: GrowthSample) -> None:
        """Make the latest collected sample a point of the series."""
        if self._names is None:
            self._names = sample.names
        if len(self._history) >= MAX_SAMPLES:
            self._figures = [self._figures[number] for number in self._history.thin()]
        self._history.add(sample.time, self._pending)
        # The history holds the changes now.
        self._figures.append(replace(sample, paths=replace(sample.paths, changes=())))
        self._pending = {}
        self._sample_count += 1

    def extended_to(self, latest: GrowthSample | None, limit: int) -> GrowthAnalysis:
        """A copy with the first point, and one more point for the pending changes."""
        copy = GrowthAnalysis(limit)
        copy._names = self._names
        copy._others = self._others
        for sample in self._figures[:1]:
            copy.append_point(sample)
        if latest is not None and latest.names is self._names:
            copy._pending = dict(self._pending)
            copy.append_point(latest)
        return copy

    def grown_since(self, recent: GrowthAnalysis) -> SinceBaseline:
        """Growth from the first to the second of two points, judged with a running watch."""
        if len(self._history) != 2 or self._names is None or recent._names is not self._names:
            return SinceBaseline((), None, "", "")
        latest = self._figures[-1]
        finder = GrownSince(
            self._history,
            self._names,
            recent._history,
            collector_runs=latest.collector.runs,
            total_size=latest.paths.total_size,
        )
        return finder.judge(self._limit)

    def report(self) -> GrowthReport:
        """Report on the samples so far.

        Raises:
            ValueError: There is no sample yet.
        """
        if not self._figures or self._names is None:
            raise ValueError("a report needs a sample")
        latest = self._figures[-1]
        found = _NOTHING
        outside: tuple[OutsideGrowth, ...] = ()
        if len(self._history) >= MIN_SAMPLES:
            finder = SuspectFinder(
                self._history,
                self._names,
                collector_runs=latest.collector.runs,
                work=[each.work for each in self._figures],
            )
            found = finder.find()
            outside = self._outside()
        verdict, reason, missing = with_others(
            self._conclude(found, outside), self._others, garbage_grows=bool(found.collectable)
        )
        return GrowthReport(
            sample_count=self._sample_count,
            verdict=verdict,
            reason=reason,
            missing=missing,
            suspects=found.suspects[: self._limit],
            outside=outside,
            types=self.types(),
            times=tuple(self._history.times),
            resident=tuple(each.memory.resident or 0 for each in self._figures),
            python=tuple(each.paths.total_size for each in self._figures),
            latest_time=latest.time,
            mode=latest.mode,
            pause=latest.pause,
            object_count=latest.paths.object_count,
            total_size=latest.paths.total_size,
            resident_bytes=latest.memory.resident or 0,
            warnings=self._warnings(latest),
        )

    def _outside(self) -> tuple[OutsideGrowth, ...]:
        memory = [each.memory for each in self._figures]
        paths = [each.paths for each in self._figures]
        series = MemorySeries(
            self._history.times,
            resident=[each.resident for each in memory],
            anonymous=[each.anonymous for each in memory],
            file_backed=[each.file_backed for each in memory],
            shared=[each.shared for each in memory],
            malloc=[each.malloc_in_use for each in memory],
            blocks=[each.python_in_use for each in memory],
            # The allocators also serve ops_service, which keeps these figures.
            python=[each.total_size + each.own_size for each in paths],
            python_large=[each.large_size + each.own_large_size for each in paths],
            work=[each.work for each in self._figures],
        )
        return find_outside(series)

    def _conclude(self, found: Found, outside: tuple[OutsideGrowth, ...]) -> Conclusion:
        count = len(self._history)
        seconds = self._history.times[-1] - self._history.times[0]
        if count < MIN_SAMPLES:
            missing = f"{MIN_SAMPLES - count} more samples"
            reason = f"{count} of the {MIN_SAMPLES} samples needed for a verdict are taken."
            return Verdict.INCONCLUSIVE, reason, missing
        if found.suspects:
            more = len(found.suspects) - 1
            rest = f" {more} more grow too." if more else ""
            return Verdict.LEAK, found.suspects[0].reason + rest, ""
        if outside:
            first = outside[0]
            return (
                Verdict.OUTSIDE_PYTHON,
                f"{first.part.value} memory grows by {first.bytes_per_minute.rate:,.0f} bytes a "
                f"minute, and the live Python objects do not. {first.advice}",
                "",
            )
        if not any(True for _ in self._history.nodes()):
            return (
                Verdict.INCONCLUSIVE,
                f"Nothing on the heap changed in {seconds:.1f} s: the process was idle.",
                "traffic",
            )
        if found.began:
            return (
                Verdict.INCONCLUSIVE,
                f"{found.began[0]} began to grow during the watch; whether it continues is not "
                "known yet.",
                "more time",
            )
        if found.uneven:
            return (
                Verdict.INCONCLUSIVE,
                f"{found.uneven[0]} grows unevenly, and samples came late: the machine was short "
                "of CPU.",
                "more time",
            )
        text = f"Over {seconds:.1f} s and {count} samples no path of the heap keeps growing"
        if found.collectable:
            text += f"; garbage of {found.collectable[0]} waits for the next full collection"
        return Verdict.NO_LEAK, f"{text}.", ""

    def types(self) -> tuple[TypeGrowth, ...]:
        """Types at nodes that changed. A rate covers all nodes of the type together."""
        assert self._names is not None
        by_type: dict[str, list[int]] = defaultdict(list)
        for node in self._history.nodes():
            if node in self._names:
                by_type[self._names[node].type_name].append(node)
        rows = []
        for type_name, nodes in by_type.items():
            first = [sum(self._history.first(n, c) for n in nodes) for c in (COUNT, SIZE)]
            last = [sum(self._history.latest(n, c) for n in nodes) for c in (COUNT, SIZE)]
            if last[0] > first[0] or last[1] > first[1]:
                rows.append((last[1] - first[1], last[0] - first[0], type_name, nodes, last))
        rows.sort(reverse=True, key=lambda row: row[:3])
        return tuple(self._type_row(*row) for row in rows[: self._limit])

    def _type_row(
        self,
        size_difference: int,
        count_difference: int,
        name: str,
        nodes: list[int],
        last: list[int],
    ) -> TypeGrowth:
        slopes = []
        for column in (COUNT, SIZE):
            values = self._history.summed(nodes, column)
            slopes.append(_MINUTE * theil_sen_slope(self._history.times[-32:], values[-32:]))
        return TypeGrowth(
            type_name=name,
            count=last[0],
            total_size=last[1],
            count_difference=count_difference,
            size_difference=size_difference,
            count_per_minute=slopes[0],
            size_per_minute=slopes[1],
        )

    def _warnings(self, latest: GrowthSample) -> tuple[str, ...]:
        warnings = list(latest.warnings)
        if latest.paths.past_bound:
            warnings.append(
                f"{latest.paths.past_bound} objects are counted without a path: the table of "
                "paths is full."
            )
        if self._history.dropped:
            warnings.append(
                f"{self._history.dropped} series that grew least were dropped for lack of room."
            )
        if self._broken:
            warnings.append("The watch started again: a sample was lost while it was written.")
        return tuple(warnings)
