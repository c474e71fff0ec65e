"""Growth of a process since a baseline, and the verdict that follows from it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import nlargest

from ops_service.heap.paths import PathNames
from ops_service.leaks.description import SuspectGroup, most_telling
from ops_service.leaks.report import GrowthReport, SinceBaseline, Suspect, Verdict
from ops_service.leaks.series import COUNT, LENGTH, SIZE, NodeSeries
from ops_service.leaks.suspects import SuspectFinder
from ops_service.leaks.trend import MIN_SAMPLES, Shape, lower_envelope

# Minimum relative growth.
_MIN_SHARE = 0.01
# A watch must be long enough to expect this growth, in objects, elements or KiB.
_MIN_EXPECTED = 10.0
_UNITS = {COUNT: 1.0, LENGTH: 1.0, SIZE: 1024.0}
# Shares of the growth that the earlier rate predicts. From the first on, growth continues;
# up to the second, it has stopped. The third is the minimum part of the watch's growth in
# each half of the watch.
_GOES_ON = 0.4
_STOPPED = 0.1
_EACH_HALF = 0.2
# Minimum growth that deserves another watch: a share of the heap, and bytes.
_MATERIAL_SHARE = 0.002
_MATERIAL_BYTES = 64 << 10
_MAX_CANDIDATES = 2000


class Since(enum.Enum):
    """Course of growth since a baseline."""

    GOES_ON = "goes on"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Course:
    """Course of growth, and the length of a watch that can show it, in seconds."""

    since: Since
    needed: float


def course_of(
    before: tuple[float, float], times: Sequence[float], values: Sequence[float], unit: float
) -> Course:
    """Decide whether growth since a baseline continues during a watch.

    Two points are not a trend: a cache that filled in between looks the same. But they
    give a rate, and the rate predicts the growth during the watch. A long enough watch
    can compare that prediction with its own samples.

    Args:
        before: Time and value of the baseline.
        times: Times of the watch's samples.
        values: One for each time.
        unit: Minimum growth that counts.
    """
    span, gap = times[-1] - times[0], times[0] - before[0]
    grown = values[0] - before[1]
    if grown <= 0 or gap <= 0:
        # It grew during the watch, and the watch judges that itself.
        return Course(Since.UNKNOWN, 0.0)
    needed = _MIN_EXPECTED * unit * gap / grown
    # The rate is reliable only if the time before the watch is as long as the watch.
    if len(values) < MIN_SAMPLES or span < needed or gap < span:
        return Course(Since.UNKNOWN, max(needed, 0.0))
    expected = grown / gap * span
    envelope = lower_envelope(values)
    middle = envelope[sum(time <= times[0] + span / 2 for time in times) - 1]
    first, second = middle - envelope[0], envelope[-1] - middle
    if first + second <= _STOPPED * expected:
        return Course(Since.STOPPED, needed)
    steady = min(first, second) >= _EACH_HALF * (first + second)
    if steady and first + second >= _GOES_ON * expected:
        return Course(Since.GOES_ON, needed)
    return Course(Since.UNKNOWN, 2 * span)


class GrownSince(SuspectFinder):
    """Finds growth between two points that did not shrink again meanwhile."""

    _changes = 1

    def __init__(
        self,
        history: NodeSeries,
        names: PathNames,
        recent: NodeSeries,
        *,
        collector_runs: bool,
        total_size: int,
    ) -> None:
        """
        Args:
            history: Series with two points: the baseline and now.
            recent: Series of a running watch. Its minimum values count as the growth that
                stays.
            total_size: Bytes of the heap.
        """
        super().__init__(history, names, collector_runs=collector_runs)
        self._recent = recent
        self._total_size = total_size
        self._courses: dict[Suspect, Course] = {}

    def judge(self, limit: int) -> SinceBaseline:
        """Find the growth, and the verdict that follows. Costs the same as `find`.

        Args:
            limit: Maximum number of reported suspects.
        """
        suspects = self.find().suspects
        told = suspects[:limit]
        for verdict, wanted in (
            (Verdict.LEAK, Since.GOES_ON),
            (Verdict.INCONCLUSIVE, Since.UNKNOWN),
            (Verdict.NO_LEAK, Since.STOPPED),
        ):
            for suspect in suspects:
                course = self._courses[suspect]
                if course.since is wanted and self._is_telling(suspect, course):
                    return SinceBaseline(told, verdict, *self._words(suspect, course))
        return SinceBaseline(told, None, "", "")

    # ---- the course of a suspect ---------------------------------------------------------

    def _suspect(self, group: SuspectGroup) -> Suspect:
        suspect = super()._suspect(group)
        self._courses[suspect] = self._course(most_telling(self._nodes, group), COUNT)
        return suspect

    def _one_object(self, number: int) -> Suspect:
        suspect = super()._one_object(number)
        longer = self._nodes.rise(number, LENGTH) > 0
        self._courses[suspect] = self._course(number, LENGTH if longer else SIZE)
        return suspect

    def _course(self, number: int, column: int) -> Course:
        times = self._recent.times
        values = self._recent_values(number, column)
        if self._nodes.is_folded(number) or len(times) < 2:
            return Course(Since.UNKNOWN, 0.0)
        if len(values) < len(times):
            # Nothing changed there during the watch.
            values = [values[-1]] * len(times)
        before = (self._history.times[0], self._nodes.values(number, column)[0])
        return course_of(before, times, values, _UNITS[column])

    def _is_telling(self, suspect: Suspect, course: Course) -> bool:
        if course.since is Since.GOES_ON:
            return True
        if course.since is Since.UNKNOWN and not course.needed:
            return False
        grown = suspect.sizes[-1] - suspect.sizes[0]
        return grown >= max(_MATERIAL_BYTES, _MATERIAL_SHARE * self._total_size)

    def _words(self, suspect: Suspect, course: Course) -> tuple[str, str]:
        """The reason, and what a verdict waits for."""
        time = _duration(self._history.times[-1] - self._history.times[0])
        grown = suspect.reason.rstrip(".")
        match course.since:
            case Since.GOES_ON:
                return f"{grown}, in the {time} since the baseline, and it keeps growing.", ""
            case Since.STOPPED:
                return f"The largest growth since the baseline has stopped: {grown}.", ""
            case _:
                return (
                    f"{grown}, in the {time} since the baseline; only a longer watch can show "
                    "whether it continues.",
                    f"a watch of {_duration(course.needed)}",
                )

    # ---- what stays --------------------------------------------------------------------

    def _find_candidates(self) -> Sequence[int]:
        """Nodes that grew most, and nodes above them, since two points show few changes."""

        def grown(node: int) -> int:
            return self._history.latest(node, SIZE) - self._history.first(node, SIZE)

        most = nlargest(_MAX_CANDIDATES, self._history.nodes(), key=grown)
        above = (step for node in most for step in self._nodes.steps(node))
        return [node for node in dict.fromkeys((*most, *above)) if node in self._history]

    def _shape(self, node: int, column: int, least: float = 0.0) -> Shape:
        values = self._nodes.values(node, column)
        stays = min(values[-1], *self._recent_values(node, column))
        grown = stays - values[0]
        if grown > max(least, _MIN_SHARE * values[0]):
            return Shape.GROWS
        return Shape.OTHER

    def _recent_values(self, node: int, column: int) -> Sequence[int]:
        if self._nodes.is_folded(node) or node not in self._recent:
            # An unchanged node keeps its latest value. Folded names count as a group.
            return [self._nodes.values(node, column)[-1]]
        return self._recent.values(node, column)


def with_baseline(report: GrowthReport, since: SinceBaseline) -> GrowthReport:
    """A report whose verdict also uses the comparison with a baseline.

    The watch's own samples are the stronger evidence. So the baseline decides only if they
    show nothing, or not enough.
    """
    own, told = report.verdict, since.verdict
    if own in (Verdict.LEAK, Verdict.OUTSIDE_PYTHON) or report.sample_count < MIN_SAMPLES:
        return report
    if told is Verdict.NO_LEAK and own is Verdict.NO_LEAK:
        return replace(report, reason=f"{report.reason} {since.reason}")
    if told is Verdict.LEAK or (told is Verdict.INCONCLUSIVE and own is Verdict.NO_LEAK):
        return replace(report, verdict=told, reason=since.reason, missing=since.missing)
    return report


def _duration(seconds: float) -> str:
    for name, length in (("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{seconds:.0f} seconds"
