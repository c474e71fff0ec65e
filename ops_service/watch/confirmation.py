"""Alarms of the background watch: those that last.

A process that has just started fills its caches, and whoever looks after each sample for
weeks will once see noise that reads as growth. So an alarm has to last for as long as a
quarter of the watch, and none is raised while the process warms up, unless it is large.
"""

from __future__ import annotations

from dataclasses import replace

from ops_service.leaks.report import GrowthReport, Verdict

# The warm-up: seconds, or so many intervals if these are less.
_WARM_UP_SECONDS = 60.0
_WARM_UP_INTERVALS = 30
# Of the time since the first sample, what an alarm has to have lasted for.
_LASTING_SHARE = 0.25
# Of the heap, or of resident memory: growth that is not waited with.
_LARGE_SHARE = 0.1


class Confirmation:
    """Remembers since when each alarm has been raised, in one watch."""

    def __init__(self, interval: float) -> None:
        """
        Args:
            interval: Seconds between samples.
        """
        self._warm_up = min(_WARM_UP_SECONDS, _WARM_UP_INTERVALS * interval)
        self._since: dict[str, float] = {}

    def judge(self, report: GrowthReport) -> GrowthReport:
        """The report, with an alarm that did not last yet made inconclusive.

        Has to be given every report, in order.
        """
        now = report.latest_time
        raised = _alarms(report)
        self._since = {alarm: self._since.get(alarm, now) for alarm in raised}
        if not raised:
            return report
        begin = report.times[0]
        lasted = now - min(self._since.values())
        warm = now - begin >= self._warm_up
        if (warm and lasted >= _LASTING_SHARE * (now - begin)) or _is_large(report):
            return report
        return replace(
            report,
            verdict=Verdict.INCONCLUSIVE,
            reason=f"{report.reason} It has not lasted for long enough to be sure of.",
            missing="more time",
        )


def _alarms(report: GrowthReport) -> list[str]:
    """What the report warns of, by names that stay: a holder's, and not that of a type,
    since what tells most of several that grow together can change."""
    match report.verdict:
        case Verdict.LEAK:
            return [each.holder.text for each in report.suspects]
        case Verdict.OUTSIDE_PYTHON:
            return [each.part.value for each in report.outside]
    return []


def _is_large(report: GrowthReport) -> bool:
    if report.verdict is Verdict.OUTSIDE_PYTHON:
        first, latest = report.resident[0], report.resident[-1]
        return latest - first >= _LARGE_SHARE * first > 0
    grown = sum(each.sizes[-1] - each.sizes[0] for each in report.suspects)
    return grown >= _LARGE_SHARE * report.python[0]
