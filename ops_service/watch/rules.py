"""Rules of the background watch, and limits on how often they act."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ops_service.config.model import RuleConfig
from ops_service.heap.headroom import estimate, headroom, resident_bytes
from ops_service.leaks.report import GrowthReport, Verdict

_DAY_SECONDS = 86_400.0
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class RuleSuspect:
    """Summary of a leak suspect."""

    type_name: str
    """Module and qualified name; builtins without module."""
    holder: str
    """Path from a root to the holder that keeps the instances alive."""


@dataclass(frozen=True, slots=True)
class RuleFired:
    """A rule's condition came true, and its limits allowed it to act."""

    rule: str
    """The rule's name."""
    reason: str
    """Why, in one sentence."""
    time: float
    """Unix time."""
    actions: tuple[str, ...]
    """The rule's actions."""
    suspects: tuple[RuleSuspect, ...]
    """The suspects that the watch has found so far."""


class Limit:
    """Limits a rule's actions, within a window and within a day."""

    def __init__(self, rule: RuleConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._rule = rule
        self._clock = clock
        self._times: deque[float] = deque()

    def take(self) -> bool:
        """Return whether the rule may act now. Counts the action if so."""
        now, rule = self._clock(), self._rule
        while self._times and now - self._times[0] >= _DAY_SECONDS:
            self._times.popleft()
        recent = sum(now - each < rule.window_seconds for each in self._times)
        if recent >= rule.per_window or len(self._times) >= rule.per_day:
            return False
        self._times.append(now)
        return True


class Rules:
    """All rules of one process."""

    def __init__(self, rules: tuple[RuleConfig, ...]) -> None:
        self._rules = [(rule, Limit(rule)) for rule in rules]
        self.watches_headroom = any(rule.when == "headroom" for rule in rules)

    def after_sample(self, report: GrowthReport) -> list[RuleFired]:
        """Rules that fire on a new report."""
        fired = []
        for rule, limit in self._rules:
            reason = ""
            if rule.when == "leak" and report.verdict is Verdict.LEAK:
                reason = report.reason
            elif rule.when == "growth":
                reason = _growth(report, rule.growth_bytes)
            if reason and limit.take():
                fired.append(_fired(rule, reason, report))
        return fired

    def on_headroom(self, report: GrowthReport | None) -> list[RuleFired]:
        """Rules that fire on low free memory. Costs reading a few files of the system."""
        if not self.watches_headroom:
            return []
        cost, room = estimate(resident_bytes()).snapshot, headroom()
        fired = []
        for rule, limit in self._rules:
            if rule.when == "headroom" and room.free < rule.headroom_captures * cost:
                reason = (
                    f"{max(room.free, 0) // _MIB} MiB are left of {room.limit // _MIB} MiB "
                    f"({room.source}), and a capture is estimated to take {cost // _MIB} MiB."
                )
                if limit.take():
                    fired.append(_fired(rule, reason, report))
        return fired


def _growth(report: GrowthReport, most: int) -> str:
    for what, values in (("Python objects", report.python), ("resident memory", report.resident)):
        if len(values) > 1 and values[0] and values[-1] - values[0] > most:
            grown = (values[-1] - values[0]) // _MIB
            return f"The {what} grew by {grown} MiB since the watch began."
    return ""


def _fired(rule: RuleConfig, reason: str, report: GrowthReport | None) -> RuleFired:
    suspects = () if report is None else report.suspects
    return RuleFired(
        rule=rule.name,
        reason=reason,
        time=time.time(),
        actions=rule.actions,
        suspects=tuple(RuleSuspect(each.type_name, each.holder.text) for each in suspects[:10]),
    )
