"""From requests to the capabilities and back. Translates; decides nothing."""

from __future__ import annotations

import asyncio
import platform
import threading
import time
from contextlib import aclosing
from importlib.metadata import version
from typing import Any

import google.protobuf
import grpc

from ops_service.alarms import Alarms
from ops_service.call import current_call
from ops_service.config.model import Config
from ops_service.errors import (
    Cancelled,
    OpsServiceError,
    WalkTimeout,
)
from ops_service.heap.arenas import arena_statistics
from ops_service.heap.census import take_census
from ops_service.heap.engine import engine_status
from ops_service.heap.headroom import resident_bytes
from ops_service.heap.model import CaptureOptions, Census, CensusOptions
from ops_service.messages.basics import (
    CENSUS_METHODS,
    GC_MOMENTS,
    contents,
    duration,
    limit_field,
    process_id,
    seconds_field,
    start_settings,
    timestamp,
)
from ops_service.messages.capture_job import CaptureJob
from ops_service.messages.evaluation import evaluation_places, open_sessions, running_evaluations
from ops_service.messages.memory import (
    collection_result,
    live_objects,
    memory_parts,
    trim_result,
)
from ops_service.process import facts
from ops_service.process.command import arguments, environment
from ops_service.process.identity import ProcessIdentity
from ops_service.process.memory import Memory, read_memory
from ops_service.process.reclaim import reclaim_memory
from ops_service.repl.evaluator import Evaluator
from ops_service.repl.session import Sessions
from ops_service.rpc.evaluation import EvaluationMethods
from ops_service.rpc.growth import GrowthMethods
from ops_service.rpc.history import HistoryMethods
from ops_service.rpc.live import LiveMethods
from ops_service.rpc.operations import running_operations
from ops_service.rpc.referrers import ReferrerMethods
from ops_service.rpc.repl import ReplMethods
from ops_service.rpc.store import StoreMethods
from ops_service.store.store import Store
from ops_service.threads import Workers
from ops_service.v1 import (
    annotations_pb2,
    heap_graph_pb2,
    heap_pb2,
    maintenance_service_pb2_grpc,
    memory_pb2,
    process_pb2,
)
from ops_service.varint import undelimited
from ops_service.watch.sampling import GrowthSampling

# Batches of 64 to 256 KiB that may wait for a slow reader, and no more.
_STREAM_DEPTH = 4

# What a capture may take besides the child's life and the wait for the collector.
_CAPTURE_SLACK_SECONDS = 30.0


class MaintenanceServicer(
    EvaluationMethods,
    GrowthMethods,
    HistoryMethods,
    LiveMethods,
    ReferrerMethods,
    ReplMethods,
    StoreMethods,
    maintenance_service_pb2_grpc.MaintenanceServiceServicer,
):
    """All methods of ``ops_service.v1.MaintenanceService``. Runs behind the gate."""

    def __init__(
        self,
        config: Config,
        identity: ProcessIdentity,
        workers: Workers,
        evaluator: Evaluator,
        sessions: Sessions,
        store: Store | None,
        alarms: Alarms,
    ) -> None:
        super().__init__(identity, workers, store)
        self._config = config
        # Read once: a process that can open no file is asked how it is, too.
        self._version = version("ops-service")
        self._census_options = CensusOptions(
            lifetime_limit=config.heap.lifetime_limit_seconds, cpu_share=config.heap.cpu_share
        )
        self._evaluator = evaluator
        self._sessions = sessions
        self.prepare_live(workers)
        self._alarms = alarms
        self._growth_turn = asyncio.Lock()
        self._growth = GrowthSampling(self._census_options)

    async def GetPrincipal(
        self, request: process_pb2.GetPrincipalRequest, context: Any
    ) -> process_pb2.GetPrincipalResponse:
        call = current_call()
        order = annotations_pb2.Capability.keys()
        names = {f"CAPABILITY_{name}" for name in ("AUTHENTICATED", *call.capabilities)}
        return process_pb2.GetPrincipalResponse(
            process=process_id(self._identity),
            principal=call.principal,
            principal_problem=call.principal_problem,
            presented_names=call.presented_names,
            capabilities=[name for name in order if name in names],
        )

    async def GetProcess(
        self, request: process_pb2.GetProcessRequest, context: Any
    ) -> process_pb2.GetProcessResponse:
        now = time.time()
        identity = self._identity
        # Before there is a thread for what follows.
        collector, threads = facts.collector_state(), facts.thread_count()
        # The first time, the engine proves itself in a child.
        engine = await self._workers.run(engine_status, cancel=lambda: None)
        response = process_pb2.GetProcessResponse(
            process=process_id(identity),
            service_uptime=duration(max(0.0, now - identity.service_start_time)),
            service_version=self._version,
            python_implementation=platform.python_implementation(),
            python_version=platform.python_version(),
            grpcio_version=grpc.__version__,
            protobuf_version=google.protobuf.__version__,
            resident_bytes=resident_bytes(),
            thread_count=threads,
            garbage_collector=process_pb2.GarbageCollector(
                enabled=collector.enabled,
                frozen_count=collector.frozen_count,
                generation_counts=collector.generation_counts,
                generation_thresholds=collector.generation_thresholds,
                collection_counts=collector.collection_counts,
            ),
            snapshot_engine=process_pb2.SnapshotEngine(
                available=engine.available,
                unavailable_reason=engine.reason,
                compiled_for=engine.compiled_for,
            ),
            evaluation_enabled=self._config.evaluation.enabled,
            running_evaluations=running_evaluations(self._evaluator),
            running_operations=running_operations(self._operations),
            environment=start_settings(environment(self._config.process.shown_environment)),
            arguments=start_settings(arguments(self._config.process.shown_arguments)),
            alarms=[
                process_pb2.Alarm(topic=each.topic, text=each.text, since=timestamp(each.since))
                for each in self._alarms.standing()
            ],
            evaluation_places=evaluation_places(self._evaluator, self._config.evaluation),
            repl_sessions=open_sessions(self._sessions),
        )
        if identity.start_time is not None:
            response.uptime.CopyFrom(duration(max(0.0, now - identity.start_time)))
        return response

    async def GetMemory(
        self, request: memory_pb2.GetMemoryRequest, context: Any
    ) -> memory_pb2.GetMemoryResponse:
        cancel = threading.Event()

        def read() -> tuple[float, Memory, Census | OpsServiceError]:
            # Before the census, whose own memory would be counted.
            read_time, memory = time.time(), read_memory(arena_statistics)
            try:
                return read_time, memory, self._census(cancel)
            except Cancelled:
                raise
            except OpsServiceError as error:
                return read_time, memory, error

        read_time, memory, census = await self._workers.run(read, cancel=cancel.set)
        return memory_pb2.GetMemoryResponse(
            process=process_id(self._identity),
            read_time=timestamp(read_time),
            parts=memory_parts(memory),
            live_objects=live_objects(census),
        )

    async def ReclaimMemory(
        self, request: memory_pb2.ReclaimMemoryRequest, context: Any
    ) -> memory_pb2.ReclaimMemoryResponse:
        # Neither a collection nor a trim can be cut short.
        done = await self._workers.run(
            lambda: reclaim_memory(arena_statistics, collect=request.collect, trim=request.trim),
            cancel=lambda: None,
        )
        return memory_pb2.ReclaimMemoryResponse(
            process=process_id(self._identity),
            before=memory_parts(done.before),
            after=memory_parts(done.after),
            collection=collection_result(done.collection) if done.collection else None,
            trim=trim_result(done.trim) if done.trim else None,
        )

    async def SummarizeHeap(
        self, request: heap_pb2.SummarizeHeapRequest, context: Any
    ) -> heap_pb2.SummarizeHeapResponse:
        limit = limit_field(request.limit, field="limit", default=50, high=10_000)
        cancel = threading.Event()
        census = await self._workers.run(
            lambda: self._census(cancel, allow_pause=request.allow_pause), cancel=cancel.set
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

    def _census(self, cancel: threading.Event, *, allow_pause: bool = False) -> Census:
        return take_census(allow_pause=allow_pause, cancel=cancel, options=self._census_options)

    async def CaptureHeapSnapshot(
        self, request: heap_pb2.CaptureHeapSnapshotRequest, context: Any
    ) -> None:
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
            lifetime_limit=self._config.heap.lifetime_limit_seconds,
            cpu_share=self._config.heap.cpu_share,
        )
        job = CaptureJob(options)
        messages = job.messages(
            process=process_id(self._identity),
            snapshot_id=current_call().call_id,
            gc_moment=request.gc_moment or heap_graph_pb2.GC_MOMENT_NOW,
        )
        if request.store:
            await self._capture_into_store(
                messages,
                snapshot_id=current_call().call_id,
                cancel=job.cancel,
                context=context,
            )
            return
        limit = options.gc_wait_limit + options.lifetime_limit + _CAPTURE_SLACK_SECONDS
        stream = self._workers.iterate(lambda: messages, depth=_STREAM_DEPTH, cancel=job.cancel)
        try:
            async with asyncio.timeout(limit), aclosing(stream):
                async for message in stream:
                    # gRPC delimits messages itself.
                    await context.write(undelimited(message))
        except TimeoutError:
            raise WalkTimeout(f"The capture was not whole after {limit:g} s.") from None
