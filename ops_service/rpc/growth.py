"""WatchHeapGrowth: translates the request, streams the reports of a watch."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import Any

from ops_service.errors import EngineUnavailable, InvalidRequest, OpsServiceError
from ops_service.leaks.analysis import GrowthAnalysis
from ops_service.leaks.baselines import Comparison
from ops_service.leaks.report import GrowthReport, Verdict
from ops_service.leaks.since import with_baseline
from ops_service.messages.basics import add_warning, duration, limit_field, process_id
from ops_service.messages.growth import VERDICTS, growth_report, watch_times
from ops_service.process.identity import ProcessIdentity
from ops_service.threads import Threads
from ops_service.v1 import growth_pb2
from ops_service.watch.sampling import GrowthSampling
from ops_service.watch.schedule import SampleSchedule


class GrowthHandler:
    """Serves WatchHeapGrowth."""

    def __init__(
        self, identity: ProcessIdentity, threads: Threads, sampling: GrowthSampling
    ) -> None:
        self._identity = identity
        self._threads = threads
        self._sampling = sampling
        # A watch that waits for its sample holds no thread.
        self._turn = asyncio.Lock()

    async def watch(self, request: growth_pb2.WatchHeapGrowthRequest, context: Any) -> None:
        interval, total = watch_times(request)
        limit = limit_field(request.limit, field="limit", default=20, high=1000)
        if request.baseline_id:
            self._sampling.check_baseline(request.baseline_id)
        watch = GrowthAnalysis(limit)
        with self._sampling.joined(watch):
            header = growth_pb2.HeapGrowthHeader(
                process=process_id(self._identity),
                interval=duration(interval),
                duration=duration(total),
            )
            await context.write(growth_pb2.WatchHeapGrowthResponse(header=header))
            schedule = SampleSchedule(interval, total)
            trailer = await self._reports(request, context, watch, schedule, interval, limit)
            await context.write(growth_pb2.WatchHeapGrowthResponse(trailer=trailer))

    async def _reports(
        self,
        request: growth_pb2.WatchHeapGrowthRequest,
        context: Any,
        watch: GrowthAnalysis,
        schedule: SampleSchedule,
        interval: float,
        limit: int,
    ) -> growth_pb2.HeapGrowthTrailer:
        warnings: list[str] = []
        verdict, reason, baseline_id = Verdict.INCONCLUSIVE, "No sample could be taken.", ""
        number = 0
        while (delay := schedule.next_delay()) is not None:
            await asyncio.sleep(delay)
            number += 1
            try:
                found = await self._sample(request, watch, interval, limit, keep=not baseline_id)
            except (EngineUnavailable, InvalidRequest):
                # A later sample would fail as well.
                raise
            except OpsServiceError as error:
                add_warning(warnings, f"Sample {number} was not taken: {error}")
                continue
            verdict, reason = found.report.verdict, found.report.reason
            baseline_id = baseline_id or found.baseline_id
            message = growth_report(found.report, found.comparison)
            await context.write(growth_pb2.WatchHeapGrowthResponse(report=message))
        return growth_pb2.HeapGrowthTrailer(
            sample_count=watch.sample_count,
            verdict=VERDICTS[verdict],
            reason=reason,
            warnings=warnings,
            baseline_id=baseline_id,
        )

    async def _sample(
        self,
        request: growth_pb2.WatchHeapGrowthRequest,
        watch: GrowthAnalysis,
        interval: float,
        limit: int,
        *,
        keep: bool,
    ) -> _Found:
        cancel, asked = threading.Event(), time.time()

        def work() -> _Found:
            sample = self._sampling.sample(
                watch,
                interval=interval,
                asked=asked,
                allow_pause=request.allow_pause,
                cancelled=cancel.is_set,
            )
            baseline_id = ""
            if request.keep_baseline and keep:
                baseline_id = self._sampling.keep_baseline(sample)
            if not request.baseline_id:
                return _Found(watch.report(), None, baseline_id)
            comparison = self._sampling.compare(request.baseline_id, watch, limit)
            report = with_baseline(watch.report(), comparison.grown)
            return _Found(report, comparison, baseline_id)

        async with self._turn:
            return await self._threads.run(work, cancel=cancel.set)


@dataclass(frozen=True, slots=True)
class _Found:
    report: GrowthReport
    comparison: Comparison | None
    baseline_id: str
    """Id of the baseline kept at this sample; "" if none was kept."""
