"""The thread of the background watch: samples at an interval, rule checks in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ops_service.errors import Cancelled, OpsServiceError
from ops_service.leaks.analysis import GrowthAnalysis
from ops_service.leaks.report import GrowthReport
from ops_service.log import Log
from ops_service.messages.basics import timestamp
from ops_service.messages.growth import growth_report
from ops_service.v1 import growth_history_pb2
from ops_service.watch.actions import Actions
from ops_service.watch.confirmation import Confirmation
from ops_service.watch.records import WatchHistory
from ops_service.watch.rules import RuleFired, Rules
from ops_service.watch.sampling import GrowthSampling
from ops_service.watch.schedule import SampleSchedule

_LOG = Log()

# Interval between checks of the free memory, for rules on headroom.
_HEADROOM_SECONDS = 1.0
_SUSPECTS = 20


class BackgroundWatch:
    """Watches while the service runs. None of its exceptions reaches the host."""

    def __init__(
        self,
        interval: float,
        sampling: GrowthSampling,
        history: WatchHistory,
        rules: Rules,
        actions: Actions,
    ) -> None:
        self.history = history
        self.interval = interval
        self._sampling = sampling
        self._rules = rules
        self._actions = actions
        self._watch = GrowthAnalysis(_SUSPECTS)
        self._confirmation = Confirmation(interval)
        self._latest: GrowthReport | None = None
        self._stopping = threading.Event()
        self._failing = False

    def start(self) -> None:
        """Begin, in a daemon thread."""
        threading.Thread(target=self._run, name="ops_service-watch", daemon=True).start()

    def stop(self) -> None:
        """End soon. Cancels a sample or capture under way."""
        self._stopping.set()
        self._actions.stop()

    def _run(self) -> None:
        try:
            with self._sampling.joined(self._watch):
                self._loop()
        except BaseException as error:
            _LOG.error("the background watch ended", exc_info=error)

    def _loop(self) -> None:
        schedule = SampleSchedule(self.interval)
        while (delay := schedule.next_delay()) is not None:
            self._wait(delay)
            if self._stopping.is_set():
                return
            self._guarded(self._sample)

    def _wait(self, delay: float) -> None:
        """Wait until the next sample is due, and check the free memory meanwhile."""
        due = time.monotonic() + delay
        while not self._stopping.is_set():
            self._guarded(self._look_at_headroom)
            left = due - time.monotonic()
            if left <= 0:
                return
            if self._rules.watches_headroom:
                left = min(left, _HEADROOM_SECONDS)
            self._stopping.wait(left)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Cancelled:
            pass
        except Exception as error:
            # Logged once each time that sampling begins to fail.
            if not self._failing:
                # Log unexpected errors with their traceback.
                unforeseen = None if isinstance(error, OpsServiceError) else error
                _LOG.warning("the background watch took no sample: %s", error, exc_info=unforeseen)
            self._failing = True
        else:
            self._failing = False

    def _sample(self) -> None:
        self._sampling.sample(self._watch, interval=self.interval, cancelled=self._stopping.is_set)
        report = self._confirmation.judge(self._watch.report())
        self._latest = report
        message = growth_report(report)
        self.history.add(growth_history_pb2.GrowthRecord(time=message.sample_time, report=message))
        self._act(self._rules.after_sample(report))

    def _look_at_headroom(self) -> None:
        self._act(self._rules.on_headroom(self._latest))

    def _act(self, fired: list[RuleFired]) -> None:
        for each in fired:
            done = self._actions.act(each)
            event = growth_history_pb2.RuleEvent(
                rule=each.rule,
                reason=each.reason,
                actions=each.actions,
                snapshot_id=done.snapshot_id,
                problem=done.problem,
            )
            self.history.add(
                growth_history_pb2.GrowthRecord(time=timestamp(each.time), event=event)
            )
