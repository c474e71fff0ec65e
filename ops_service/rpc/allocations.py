"""TraceAllocations: translates the request, streams the results of a tracing window."""

from __future__ import annotations

import threading
from contextlib import aclosing
from typing import Any

from ops_service.messages.basics import clean, duration, limit_field, process_id, seconds_field
from ops_service.process.allocations import (
    AllocationTracer,
    Begun,
    Ended,
    Meanwhile,
    Part,
    Site,
    TraceOptions,
)
from ops_service.process.identity import ProcessIdentity
from ops_service.threads import Threads
from ops_service.v1 import allocations_pb2

_MEBIBYTE = 1 << 20
# Bound on parts that wait for a slow reader.
_STREAM_DEPTH = 16


class AllocationsHandler:
    """Serves TraceAllocations."""

    def __init__(
        self, identity: ProcessIdentity, threads: Threads, tracer: AllocationTracer
    ) -> None:
        self._identity = identity
        self._threads = threads
        self._tracer = tracer

    async def trace(self, request: allocations_pb2.TraceAllocationsRequest, context: Any) -> None:
        options = TraceOptions(
            seconds=seconds_field(
                request.duration,
                is_set=request.HasField("duration"),
                field="duration",
                default=10.0,
                low=0.1,
                high=600.0,
            ),
            frame_limit=limit_field(request.frame_limit, field="frame_limit", default=1, high=32),
            site_limit=limit_field(request.limit, field="limit", default=25, high=10_000),
            memory_limit=limit_field(
                request.memory_limit,
                field="memory_limit",
                default=64 * _MEBIBYTE,
                high=4096 * _MEBIBYTE,
            ),
            include_own=request.include_ops_service,
        )
        cancel = threading.Event()
        parts = self._threads.iterate(
            lambda: self._tracer.trace(options, cancel), depth=_STREAM_DEPTH, cancel=cancel.set
        )
        async with aclosing(parts):
            async for part in parts:
                await context.write(self._message(part, options))

    def _message(
        self, part: Part, options: TraceOptions
    ) -> allocations_pb2.TraceAllocationsResponse:
        match part:
            case Begun():
                header = allocations_pb2.AllocationTraceHeader(
                    process=process_id(self._identity),
                    duration=duration(options.seconds),
                    frame_limit=part.frame_limit,
                    already_tracing=part.already_tracing,
                )
                return allocations_pb2.TraceAllocationsResponse(header=header)
            case Meanwhile():
                progress = allocations_pb2.AllocationTraceProgress(
                    elapsed=duration(part.elapsed),
                    traced_bytes=part.traced_bytes,
                    tracer_bytes=part.tracer_bytes,
                )
                return allocations_pb2.TraceAllocationsResponse(progress=progress)
            case Site():
                return allocations_pb2.TraceAllocationsResponse(site=_site(part))
            case Ended():
                return allocations_pb2.TraceAllocationsResponse(trailer=_trailer(part))


def _site(site: Site) -> allocations_pb2.TracedSite:
    return allocations_pb2.TracedSite(
        frames=[
            allocations_pb2.TracedFrame(
                file=clean(file),
                line=line,
            )
            for file, line in reversed(site.traceback)
        ],
        size=site.size,
        count=site.count,
        size_difference=site.size_difference,
        count_difference=site.count_difference,
    )


def _trailer(ended: Ended) -> allocations_pb2.AllocationTraceTrailer:
    return allocations_pb2.AllocationTraceTrailer(
        elapsed=duration(ended.elapsed),
        traced_bytes=ended.traced_bytes,
        peak_bytes=ended.peak_bytes,
        tracer_bytes=ended.tracer_bytes,
        site_count=ended.site_count,
        pauses=[duration(pause) for pause in ended.pauses],
        still_tracing=ended.still_tracing,
        warnings=ended.warnings,
    )
