"""WatchHeapGrowth, from the request to the stream of reports."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from ops_service.errors import EngineUnavailable, InvalidRequest, OpsServiceError
from ops_service.leaks.report import Verdict
from ops_service.leaks.since import with_baseline
from ops_service.leaks.watch import HeapGrowthWatch
from ops_service.messages.basics import add_warning, duration, limit_field, process_id
from ops_service.messages.growth import VERDICTS, growth_report, watch_times
from ops_service.process.identity import ProcessIdentity
from ops_service.threads import Workers
from ops_service.v1 import growth_pb2
from ops_service.watch.sampling import GrowthSampling

# Seconds that a watch may last longer where samples came late.
_MAX_OVERTIME = 30.0


class GrowthMethods:
    """Part of the servicer."""

    _identity: ProcessIdentity
    _workers: Workers
    _growth: GrowthSampling
    _growth_turn: asyncio.Lock

    async def WatchHeapGrowth(
        self, request: growth_pb2.WatchHeapGrowthRequest, context: Any
    ) -> None:
        interval, total = watch_times(request)
        watch = HeapGrowthWatch(limit_field(request.limit, field="limit", default=20, high=1000))
        if request.baseline_id:
            self._growth.check_baseline(request.baseline_id)
        with self._growth.joined(watch):
            header = growth_pb2.HeapGrowthHeader(
                process=process_id(self._identity),
                interval=duration(interval),
                duration=duration(total),
            )
            await context.write(growth_pb2.WatchHeapGrowthResponse(header=header))
            await self._samples(request, context, watch, interval, total)

    async def _samples(
        self,
        request: growth_pb2.WatchHeapGrowthRequest,
        context: Any,
        watch: HeapGrowthWatch,
        interval: float,
        total: float,
    ) -> None:
        warnings: list[str] = []
        verdict, reason, kept = Verdict.INCONCLUSIVE, "No sample could be taken.", ""
        schedule = _Schedule(interval, total)
        number = 0
        while await schedule.next_is_due():
            number += 1
            cancel, asked = threading.Event(), time.time()

            def work(
                cancel: threading.Event = cancel, asked: float = asked, kept: str = kept
            ) -> _Outcome:
                return self._sample(request, watch, interval, asked, cancel, kept)

            try:
                # Whoever waits for a sample takes up no thread meanwhile.
                async with self._growth_turn:
                    outcome = await self._workers.run(work, cancel=cancel.set)
            except (EngineUnavailable, InvalidRequest):
                # No later sample would fare better.
                raise
            except OpsServiceError as error:
                add_warning(warnings, f"Sample {number} was not taken: {error}")
                continue
            verdict, reason, kept, message = outcome
            await context.write(growth_pb2.WatchHeapGrowthResponse(report=message))
        trailer = growth_pb2.HeapGrowthTrailer(
            sample_count=watch.sample_count,
            verdict=VERDICTS[verdict],
            reason=reason,
            warnings=warnings,
            baseline_id=kept,
        )
        await context.write(growth_pb2.WatchHeapGrowthResponse(trailer=trailer))

    def _sample(
        self,
        request: growth_pb2.WatchHeapGrowthRequest,
        watch: HeapGrowthWatch,
        interval: float,
        asked: float,
        cancel: threading.Event,
        kept: str,
    ) -> _Outcome:
        sample = self._growth.sample(
            watch,
            interval=interval,
            asked=asked,
            allow_pause=request.allow_pause,
            cancelled=cancel.is_set,
        )
        if request.keep_baseline and not kept:
            kept = self._growth.keep_baseline(sample)
        since = None
        if request.baseline_id:
            limit = limit_field(request.limit, field="limit", default=20, high=1000)
            since = self._growth.since_baseline(request.baseline_id, limit)
        report, grown = watch.report(), None
        if since is not None:
            grown = since.grown_since(watch)
            report = with_baseline(report, grown)
        return report.verdict, report.reason, kept, growth_report(report, since, grown)


class _Schedule:
    """When the samples of a watch are due.

    Due times are fixed at the beginning, so that they do not drift. On a machine without
    time samples come late; then the watch lasts longer, up to a bound that the client
    waits for too, rather than end without the samples that a verdict takes.
    """

    def __init__(self, interval: float, total: float) -> None:
        self._interval = interval
        self._left = int(total / interval + 1e-9) + 1
        self._due = time.monotonic() - interval
        self._end = time.monotonic() + total + _MAX_OVERTIME

    async def next_is_due(self) -> bool:
        """Wait for the next sample to be due. False: there is none."""
        self._due = max(self._due + self._interval, time.monotonic())
        if self._left == 0 or self._due > self._end:
            return False
        self._left -= 1
        await asyncio.sleep(self._due - time.monotonic())
        return True


_Outcome = tuple[Verdict, str, str, growth_pb2.HeapGrowthReport]
