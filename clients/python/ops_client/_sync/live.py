# Generated from _async/live.py by tools/generate_sync_client.py. Do not edit.
"""Methods of the synchronous client that inspect or change the live process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ops_client._allocations import AllocationTrace
from ops_client._sync.calls import Calls
from ops_client._durations import to_duration
from ops_client._operation import OperationRun
from ops_client._stacks import Stacks
from ops_service.v1 import (
    allocations_pb2,
    loggers_pb2,
    operations_pb2,
    referrers_pb2,
    stacks_pb2,
    workers_pb2,
)

# Seconds. Each exceeds the server's own default limit.
_QUICK = 10.0
_LOOK = 60.0
_SEARCH = 120.0
_DAY = 86_400.0


class LiveMethods:
    """The part of the client that inspects or changes the live process."""

    _instance_id: str
    _calls: Calls

    def capture_stacks(
        self,
        *,
        sample_distance: float | None = None,
        limit: int = 0,
        include_ops_service: bool = False,
        timeout: float | None = None,
    ) -> Stacks:
        """Read the stacks of all threads, tasks and greenlets. Needs INSPECT.

        Args:
            sample_distance: Seconds between two samples, which show what does not
                move. 0 takes one sample; None is the server's default, 1.
            limit: Maximum number of groups; 0 is the server's default.
            include_ops_service: Whether to also return the service's own threads.
            timeout: Seconds for the whole call; None is the distance plus 60.

        Raises:
            ConnectionLost: The stream ended before its trailer.
        """
        request = stacks_pb2.CaptureStacksRequest(
            instance_id=self._instance_id,
            sample_distance=to_duration(sample_distance),
            limit=limit,
            include_ops_service=include_ops_service,
        )
        if timeout is None:
            timeout = (sample_distance or 0.0) + _LOOK
        header, groups, trailer = self._calls.whole(
            self._calls.stub.CaptureStacks,
            request,
            timeout,
            keep="group",
            end="trailer",
            lost="The stacks ended before their trailer. Try again.",
        )
        return Stacks(header, groups, trailer)

    def find_referrers(
        self,
        target: int | str,
        *,
        breadth: int = 0,
        time_limit: float | None = None,
        timeout: float = _SEARCH,
    ) -> referrers_pb2.FindReferrersResponse:
        """Find what holds an object, or the objects of a type. Needs READ_HEAP.

        Args:
            target: An object's id, or a type's full name.
            breadth: Maximum number of paths; 0 is the server's default, 10.
            time_limit: Seconds until the search ends and returns what it has found;
                None is the server's default, 10.
            timeout: Seconds for the whole call.

        Raises:
            NoSuchObject: No live object has the id, or none is of the type.
            Busy: A capture of the process is under way.
            InvalidRequest: The id is 0, or the name is not a valid type name.
        """
        request = referrers_pb2.FindReferrersRequest(
            instance_id=self._instance_id, breadth=breadth, time_limit=to_duration(time_limit)
        )
        if isinstance(target, int):
            request.object_id = target
        else:
            request.type_name = target
        reply: referrers_pb2.FindReferrersResponse = self._calls.unary(
            self._calls.stub.FindReferrers, request, timeout
        )
        return reply

    def list_workers(self, *, timeout: float = _QUICK) -> workers_pb2.ListWorkersResponse:
        """List the workers of the application that have a port. Needs INSPECT."""
        request = workers_pb2.ListWorkersRequest(instance_id=self._instance_id)
        reply: workers_pb2.ListWorkersResponse = self._calls.unary(
            self._calls.stub.ListWorkers, request, timeout
        )
        return reply

    def list_loggers(
        self, *, prefix: str = "", limit: int = 0, timeout: float = _QUICK
    ) -> loggers_pb2.ListLoggersResponse:
        """List the loggers of the process and their levels. Needs INSPECT.

        Args:
            prefix: Return only loggers whose names start with this.
            limit: Maximum number of loggers; 0 is the server's default.
            timeout: Seconds.
        """
        request = loggers_pb2.ListLoggersRequest(
            instance_id=self._instance_id, prefix=prefix, limit=limit
        )
        reply: loggers_pb2.ListLoggersResponse = self._calls.unary(
            self._calls.stub.ListLoggers, request, timeout
        )
        return reply

    def set_log_level(
        self,
        logger: str,
        level: str,
        *,
        restore_after: float | None = None,
        timeout: float = _QUICK,
    ) -> loggers_pb2.SetLogLevelResponse:
        """Set the level of a logger for a while. Needs OPERATE.

        Args:
            logger: Name of an existing logger; "root" is the root.
            level: Name or number of the level; "" undoes the change.
            restore_after: Seconds until the level is restored; None is the server's
                default, 600.
            timeout: Seconds.

        Raises:
            InvalidRequest: The logger or the level does not exist.
        """
        request = loggers_pb2.SetLogLevelRequest(
            instance_id=self._instance_id,
            logger=logger,
            level=level,
            restore_after=to_duration(restore_after),
        )
        reply: loggers_pb2.SetLogLevelResponse = self._calls.unary(
            self._calls.stub.SetLogLevel, request, timeout
        )
        return reply

    def list_operations(
        self, *, timeout: float = _QUICK
    ) -> operations_pb2.ListOperationsResponse:
        """List the operations that the application offers. Needs INSPECT."""
        request = operations_pb2.ListOperationsRequest(instance_id=self._instance_id)
        reply: operations_pb2.ListOperationsResponse = self._calls.unary(
            self._calls.stub.ListOperations, request, timeout
        )
        return reply

    def invoke_operation(
        self,
        operation: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        time_limit: float | None = None,
        on_progress: Callable[[operations_pb2.OperationProgress], None] | None = None,
        timeout: float | None = None,
    ) -> OperationRun:
        """Run an operation of the application. Needs OPERATE and a grant of the operation.

        A failure or an exception of the operation is a result, not an exception
        here: see ``OperationRun.result.outcome``.

        Args:
            operation: Name of the operation.
            arguments: Values by name: None, bool, numbers, strings, and lists of these.
            time_limit: Seconds until it is asked to end; None is the operation's own
                limit.
            on_progress: Called with each progress report.
            timeout: Seconds for the whole call; None is the time limit plus 10, or a day
                without a time limit.

        Raises:
            InvalidRequest: An argument is unknown, missing, or does not fit.
            NoSuchOperation: The process has no operation of that name.
            ConnectionLost: The call ended without a result. The operation may or may
                not have run to its end.
        """
        request = operations_pb2.InvokeOperationRequest(
            instance_id=self._instance_id, operation=operation, time_limit=to_duration(time_limit)
        )
        request.arguments.update(dict(arguments or {}))
        if timeout is None:
            timeout = _DAY if time_limit is None else time_limit + _QUICK
        header, progress, result = self._calls.whole(
            self._calls.stub.InvokeOperation,
            request,
            timeout,
            keep="progress",
            end="result",
            lost=(
                "The operation ended without a result: it may or may not have run to its end. "
                "Check the process before you try again."
            ),
            on_part={"progress": on_progress},
        )
        return OperationRun(header, progress, result)

    def trace_allocations(
        self,
        *,
        duration: float | None = None,
        frame_limit: int = 0,
        limit: int = 0,
        memory_limit: int = 0,
        include_ops_service: bool = False,
        on_progress: Callable[[allocations_pb2.AllocationTraceProgress], None] | None = None,
        timeout: float | None = None,
    ) -> AllocationTrace:
        """Trace memory allocations for a while. Needs OPERATE.

        The process is slower meanwhile. It stands still at the end, while the traces
        are read. Tracing is switched off whatever happens.

        Args:
            duration: Seconds; None is the server's default, 10.
            frame_limit: Frames to record per allocation; 0 is the server's
                default, 1.
            limit: Maximum number of sites; 0 is the server's default, 25.
            memory_limit: Bytes that tracing itself may use; the window ends there.
                0 is the server's default, 64 MiB.
            include_ops_service: Whether to also return what the service itself allocates.
            on_progress: Called each second with the progress.
            timeout: Seconds for the whole call; None is the duration (or 10) plus 60.

        Raises:
            Busy: Another caller traces allocations.
            ConnectionLost: The stream ended before its trailer.
        """
        request = allocations_pb2.TraceAllocationsRequest(
            instance_id=self._instance_id,
            duration=to_duration(duration),
            frame_limit=frame_limit,
            limit=limit,
            memory_limit=memory_limit,
            include_ops_service=include_ops_service,
        )
        if timeout is None:
            timeout = (_QUICK if duration is None else duration) + _LOOK
        header, sites, trailer = self._calls.whole(
            self._calls.stub.TraceAllocations,
            request,
            timeout,
            keep="site",
            end="trailer",
            lost="The trace ended before its trailer. Start it again.",
            on_part={"progress": on_progress},
        )
        return AllocationTrace(header, sites, trailer)
