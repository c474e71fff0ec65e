"""SummarizeHeap and CaptureHeapSnapshot: translate requests, stream the snapshot."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import aclosing
from typing import Any, Protocol

from ops_service.call import current_call
from ops_service.errors import WalkTimeout
from ops_service.heap.census import take_census
from ops_service.heap.model import CaptureOptions, CensusOptions
from ops_service.messages.basics import (
    CENSUS_METHODS,
    GC_MOMENTS,
    contents,
    duration,
    limit_field,
    process_id,
    seconds_field,
    timestamp,
)
from ops_service.messages.capture_job import CaptureJob
from ops_service.process.identity import ProcessIdentity
from ops_service.threads import Threads
from ops_service.v1 import heap_graph_pb2, heap_pb2
from ops_service.varint import undelimited

# Bound on batches that wait for a slow reader, each 64 to 256 KiB.
_STREAM_DEPTH = 4

# Time for a capture besides the child's life and the wait for the collector.
_CAPTURE_SLACK_SECONDS = 30.0


class StoreCapture(Protocol):
    """Writes a capture into the store and to its caller."""

    async def __call__(
        self,
        messages: Generator[bytes, None, None],
        *,
        snapshot_id: str,
        cancel: Callable[[], None],
        context: Any,
    ) -> None: ...


class HeapHandler:
    """Serves SummarizeHeap and CaptureHeapSnapshot."""

    def __init__(
        self,
        identity: ProcessIdentity,
        threads: Threads,
        options: CensusOptions,
        store_capture: StoreCapture,
    ) -> None:
        self._identity = identity
        self._threads = threads
        self._options = options
        self._store_capture = store_capture

    async def summarize(
        self, request: heap_pb2.SummarizeHeapRequest, context: Any
    ) -> heap_pb2.SummarizeHeapResponse:
        limit = limit_field(request.limit, field="limit", default=50, high=10_000)
        cancel = threading.Event()
        census = await self._threads.run(
            lambda: take_census(
                allow_pause=request.allow_pause, cancel=cancel, options=self._options
            ),
            cancel=cancel.set,
        )
        types = census.all_types() if request.include_ops_service else census.types
        if request.order == heap_pb2.HEAP_SUMMARY_ORDER_COUNT:
            types = tuple(sorted(types, key=lambda row: row.count, reverse=True))
        return heap_pb2.SummarizeHeapResponse(
            process=process_id(self._identity),
            capture_time=timestamp(census.capture_time),
            method=CENSUS_METHODS[census.mode],
            types=[
                heap_pb2.HeapTypeSummary(
                    type_name=row.type_name,
                    count=row.count,
                    total_size=row.total_size,
                    size_estimated=row.size_estimated,
                    extra_size=row.extra_size,
                )
                for row in types[:limit]
            ],
            type_count=len(types),
            object_count=sum(row.count for row in types),
            total_size=sum(row.total_size for row in types),
            clone_pause=duration(census.pause),
            warnings=census.warnings,
        )

    async def capture(self, request: heap_pb2.CaptureHeapSnapshotRequest, context: Any) -> None:
        options = CaptureOptions(
            gc_moment=GC_MOMENTS[request.gc_moment],
            gc_wait_limit=seconds_field(
                request.gc_wait_limit,
                is_set=request.HasField("gc_wait_limit"),
                field="gc_wait_limit",
                default=60.0,
                low=0.0,
                high=3600.0,
            ),
            contents=contents(request),
            max_objects=request.max_objects,
            lifetime_limit=self._options.lifetime_limit,
            cpu_share=self._options.cpu_share,
        )
        job, snapshot_id = CaptureJob(options), current_call().call_id
        messages = job.messages(
            process=process_id(self._identity),
            snapshot_id=snapshot_id,
            gc_moment=request.gc_moment or heap_graph_pb2.GC_MOMENT_NOW,
        )
        if request.store:
            await self._store_capture(
                messages, snapshot_id=snapshot_id, cancel=job.cancel, context=context
            )
            return
        limit = options.gc_wait_limit + options.lifetime_limit + _CAPTURE_SLACK_SECONDS
        stream = self._threads.iterate(lambda: messages, depth=_STREAM_DEPTH, cancel=job.cancel)
        try:
            async with asyncio.timeout(limit), aclosing(stream):
                async for message in stream:
                    # gRPC delimits messages itself.
                    await context.write(undelimited(message))
        except TimeoutError:
            raise WalkTimeout(f"The capture was not complete after {limit:g} s.") from None
