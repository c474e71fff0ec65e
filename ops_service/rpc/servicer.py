"""The methods of ``ops_service.v1.MaintenanceService``, each passed to its handler."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from ops_service.rpc.allocations import AllocationsHandler
from ops_service.rpc.evaluation import EvaluationHandler
from ops_service.rpc.growth import GrowthHandler
from ops_service.rpc.heap import HeapHandler
from ops_service.rpc.history import HistoryHandler
from ops_service.rpc.loggers import LoggersHandler
from ops_service.rpc.memory import MemoryHandler
from ops_service.rpc.operations import OperationsHandler
from ops_service.rpc.process import ProcessHandler
from ops_service.rpc.referrers import ReferrersHandler
from ops_service.rpc.repl import ReplHandler
from ops_service.rpc.stacks import StacksHandler
from ops_service.rpc.store import StoreHandler
from ops_service.rpc.workers import WorkersHandler
from ops_service.v1 import (
    allocations_pb2,
    evaluation_pb2,
    growth_history_pb2,
    growth_pb2,
    heap_pb2,
    loggers_pb2,
    maintenance_service_pb2_grpc,
    memory_pb2,
    operations_pb2,
    process_pb2,
    referrers_pb2,
    repl_pb2,
    stacks_pb2,
    store_pb2,
    workers_pb2,
)


@dataclass(frozen=True, slots=True)
class Handlers:
    """One handler for each group of methods."""

    allocations: AllocationsHandler
    evaluation: EvaluationHandler
    growth: GrowthHandler
    heap: HeapHandler
    history: HistoryHandler
    loggers: LoggersHandler
    memory: MemoryHandler
    operations: OperationsHandler
    process: ProcessHandler
    referrers: ReferrersHandler
    repl: ReplHandler
    stacks: StacksHandler
    store: StoreHandler
    workers: WorkersHandler


class MaintenanceServicer(maintenance_service_pb2_grpc.MaintenanceServiceServicer):
    """All methods of the service. Runs behind the gate.

    Methods that stream write their messages to the context and return nothing.
    """

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    async def GetPrincipal(
        self, request: process_pb2.GetPrincipalRequest, context: Any
    ) -> process_pb2.GetPrincipalResponse:
        return await self._handlers.process.get_principal(request, context)

    async def GetProcess(
        self, request: process_pb2.GetProcessRequest, context: Any
    ) -> process_pb2.GetProcessResponse:
        return await self._handlers.process.get(request, context)

    async def GetMemory(
        self, request: memory_pb2.GetMemoryRequest, context: Any
    ) -> memory_pb2.GetMemoryResponse:
        return await self._handlers.memory.get(request, context)

    async def ReclaimMemory(
        self, request: memory_pb2.ReclaimMemoryRequest, context: Any
    ) -> memory_pb2.ReclaimMemoryResponse:
        return await self._handlers.memory.reclaim(request, context)

    async def SummarizeHeap(
        self, request: heap_pb2.SummarizeHeapRequest, context: Any
    ) -> heap_pb2.SummarizeHeapResponse:
        return await self._handlers.heap.summarize(request, context)

    async def CaptureHeapSnapshot(
        self, request: heap_pb2.CaptureHeapSnapshotRequest, context: Any
    ) -> None:
        await self._handlers.heap.capture(request, context)

    async def ListSnapshots(
        self, request: store_pb2.ListSnapshotsRequest, context: Any
    ) -> store_pb2.ListSnapshotsResponse:
        return await self._handlers.store.list_snapshots(request, context)

    async def ReadSnapshot(self, request: store_pb2.ReadSnapshotRequest, context: Any) -> None:
        await self._handlers.store.read(request, context)

    async def FindReferrers(
        self, request: referrers_pb2.FindReferrersRequest, context: Any
    ) -> referrers_pb2.FindReferrersResponse:
        return await self._handlers.referrers.find(request, context)

    async def WatchHeapGrowth(
        self, request: growth_pb2.WatchHeapGrowthRequest, context: Any
    ) -> None:
        await self._handlers.growth.watch(request, context)

    async def CaptureStacks(self, request: stacks_pb2.CaptureStacksRequest, context: Any) -> None:
        await self._handlers.stacks.capture(request, context)

    async def ListWorkers(
        self, request: workers_pb2.ListWorkersRequest, context: Any
    ) -> workers_pb2.ListWorkersResponse:
        return await self._handlers.workers.list_workers(request, context)

    async def ListLoggers(
        self, request: loggers_pb2.ListLoggersRequest, context: Any
    ) -> loggers_pb2.ListLoggersResponse:
        return await self._handlers.loggers.list_loggers(request, context)

    async def SetLogLevel(
        self, request: loggers_pb2.SetLogLevelRequest, context: Any
    ) -> loggers_pb2.SetLogLevelResponse:
        return await self._handlers.loggers.set_level(request, context)

    async def TraceAllocations(
        self, request: allocations_pb2.TraceAllocationsRequest, context: Any
    ) -> None:
        await self._handlers.allocations.trace(request, context)

    async def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, context: Any
    ) -> operations_pb2.ListOperationsResponse:
        return await self._handlers.operations.list_operations(request, context)

    async def InvokeOperation(
        self, request: operations_pb2.InvokeOperationRequest, context: Any
    ) -> None:
        await self._handlers.operations.invoke(request, context)

    async def ReadGrowthHistory(
        self, request: growth_history_pb2.ReadGrowthHistoryRequest, context: Any
    ) -> None:
        await self._handlers.history.read(request, context)

    async def EvaluateCode(self, request: evaluation_pb2.EvaluateCodeRequest, context: Any) -> None:
        await self._handlers.evaluation.evaluate(request, context)

    async def OpenRepl(
        self, requests: AsyncIterator[repl_pb2.OpenReplRequest], context: Any
    ) -> None:
        await self._handlers.repl.open(requests, context)
