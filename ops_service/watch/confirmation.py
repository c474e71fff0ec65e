"""Filters alarms of the background watch: only those that last are raised.

A process that has just started fills its caches. And over weeks of samples, noise will at
some point look like growth. So an alarm must have lasted for a quarter of the watch, and
none is raised while the process warms up, unless the growth is large.
"""

from __future__ import annotations

from dataclasses import replace

from ops_service.leaks.report import GrowthReport, Verdict

# The warm-up: this many seconds, or this many intervals if that is shorter.
_WARM_UP_SECONDS = 60.0
_WARM_UP_INTERVALS = 30
# Minimum duration of an alarm, as a share of the time since the first sample.
_LASTING_SHARE = 0.25
# Growth that is reported without delay, as a share of the heap or of resident memory.
_LARGE_SHARE = 0.1


class Confirmation:
    """Remembers how long each alarm has been active, in one watch."""

    def __init__(self, interval: float) -> None:
        """
        Args:
            interval: Seconds between samples.
        """
        self._warm_up = min(_WARM_UP_SECONDS, _WARM_UP_INTERVALS * interval)
        self._since: dict[str, float] = {}

    def judge(self, report: GrowthReport) -> GrowthReport:
        """Return the report. An alarm that has not lasted long enough becomes inconclusive.

        Must receive every report, in order.
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
            reason=f"{report.reason} It has not lasted long enough to be certain.",
            missing="more time",
        )


def _alarms(report: GrowthReport) -> list[str]:
    """Stable names of the report's alarms: the holder's, not the type's.

    If several types grow together, the most significant type can change.
    """
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
