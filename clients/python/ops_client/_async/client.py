"""The asynchronous client of a maintenance port."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Any

from ops_client._async.calls import AsyncCalls
from ops_client._async.evaluation import AsyncEvaluationMethods
from ops_client._async.history import AsyncHistoryMethods
from ops_client._async.live import AsyncLiveMethods
from ops_client._async.stored import AsyncStoreMethods
from ops_client._durations import to_duration
from ops_client._flavours import run_async
from ops_client._part_file import PartFile
from ops_client._snapshot_stream import CapturedSnapshot, CaptureProgress, SnapshotReceiver
from ops_client.credentials import ClientCredentials
from ops_client.errors import (
    CallFailed,
    ConnectionFailed,
    ConnectionLost,
    IncompleteSnapshot,
    StreamStalled,
)
from ops_service.v1 import (
    growth_pb2,
    heap_graph_pb2,
    heap_pb2,
    memory_pb2,
    process_pb2,
)

GrowthPart = (
    growth_pb2.HeapGrowthHeader | growth_pb2.HeapGrowthReport | growth_pb2.HeapGrowthTrailer
)

_METHOD = "/ops_service.v1.MaintenanceService/CaptureHeapSnapshot"

# Seconds. Each exceeds the server's own default limit.
_QUICK = 10.0
_CENSUS = 60.0
_CAPTURE = 120.0
_GC_WAIT = 60.0
_WATCH = 60.0


class AsyncMaintenanceClient(
    AsyncEvaluationMethods, AsyncHistoryMethods, AsyncLiveMethods, AsyncStoreMethods
):
    """Client of one maintenance port. Use it as a context manager.

    It connects with the first call. Every call has a deadline, and every error
    is an exception from ``ops_client.errors``.
    """

    def __init__(
        self,
        target: str,
        credentials: ClientCredentials,
        *,
        instance_id: str = "",
        connect_timeout: float = 5.0,
    ) -> None:
        """Prepare a client.

        Args:
            target: Host and port, or ``unix:`` and a path.
            credentials: The certificate files.
            instance_id: Id of the only process to call. Calls that reach another
                process raise ``WrongProcess``. Empty accepts any process.
            connect_timeout: Limit in seconds for connecting, and for each step of
                the diagnosis after a failure.

        Raises:
            CredentialsError: A certificate file cannot be used.
        """
        self._instance_id = instance_id
        self._calls = AsyncCalls(target, credentials, connect_timeout)

    async def __aenter__(self) -> AsyncMaintenanceClient:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._calls.close()

    async def get_principal(self, *, timeout: float = _QUICK) -> process_pb2.GetPrincipalResponse:
        """Return the principal that the server sees, and its capabilities."""
        request = process_pb2.GetPrincipalRequest(instance_id=self._instance_id)
        reply: process_pb2.GetPrincipalResponse = await self._calls.unary(
            self._calls.stub.GetPrincipal, request, timeout
        )
        return reply

    async def get_process(self, *, timeout: float = _QUICK) -> process_pb2.GetProcessResponse:
        """Return facts about the process. Needs INSPECT."""
        request = process_pb2.GetProcessRequest(instance_id=self._instance_id)
        reply: process_pb2.GetProcessResponse = await self._calls.unary(
            self._calls.stub.GetProcess, request, timeout
        )
        return reply

    async def get_memory(self, *, timeout: float = _CENSUS) -> memory_pb2.GetMemoryResponse:
        """Return the parts of the memory of the process. Needs INSPECT.

        A part that the process cannot measure has the state ``PART_STATE_UNKNOWN``
        and a reason; its ``bytes`` read as 0 and mean nothing.
        """
        request = memory_pb2.GetMemoryRequest(instance_id=self._instance_id)
        reply: memory_pb2.GetMemoryResponse = await self._calls.unary(
            self._calls.stub.GetMemory, request, timeout
        )
        return reply

    async def reclaim_memory(
        self, *, collect: bool = False, trim: bool = False, timeout: float = _CENSUS
    ) -> memory_pb2.ReclaimMemoryResponse:
        """Collect garbage, trim malloc, or both. Needs OPERATE.

        After a timeout, a step that has begun continues in the process.

        Args:
            collect: Run a full collection, which stops the process.
            trim: Make malloc return free memory to the system.
            timeout: Seconds.

        Raises:
            InvalidRequest: Both ``collect`` and ``trim`` are false.
        """
        request = memory_pb2.ReclaimMemoryRequest(
            instance_id=self._instance_id, collect=collect, trim=trim
        )
        reply: memory_pb2.ReclaimMemoryResponse = await self._calls.unary(
            self._calls.stub.ReclaimMemory, request, timeout
        )
        return reply

    async def summarize_heap(
        self,
        *,
        limit: int = 0,
        order: heap_pb2.HeapSummaryOrder = heap_pb2.HEAP_SUMMARY_ORDER_SIZE,
        allow_pause: bool = False,
        include_ops_service: bool = False,
        timeout: float = _CENSUS,
    ) -> heap_pb2.SummarizeHeapResponse:
        """Count live objects and their bytes by type. Needs INSPECT.

        Args:
            limit: Maximum number of types; 0 is the server's default.
            order: Sort key of the types.
            allow_pause: Whether the count may stop the process if it cannot be cloned.
            include_ops_service: Whether to also count what only the service itself holds.
            timeout: Seconds.
        """
        request = heap_pb2.SummarizeHeapRequest(
            instance_id=self._instance_id,
            limit=limit,
            order=order,
            allow_pause=allow_pause,
            include_ops_service=include_ops_service,
        )
        reply: heap_pb2.SummarizeHeapResponse = await self._calls.unary(
            self._calls.stub.SummarizeHeap, request, timeout
        )
        return reply

    async def capture_heap_snapshot(
        self,
        path: str | os.PathLike[str],
        *,
        gc_moment: heap_graph_pb2.GcMoment = heap_graph_pb2.GC_MOMENT_NOW,
        gc_wait_limit: float | None = None,
        content_level: heap_graph_pb2.ContentLevel = heap_graph_pb2.CONTENT_LEVEL_NONE,
        content_limit: int = 0,
        hash_strings: bool = False,
        max_objects: int = 0,
        store: bool = False,
        progress: Callable[[CaptureProgress], None] | None = None,
        timeout: float | None = None,
    ) -> CapturedSnapshot:
        """Capture the graph of all live objects into a heap graph file. Needs READ_HEAP.

        The file appears at ``path`` once it is complete, verified and on the disk.
        Until then, an existing file at ``path`` stays.

        Args:
            path: Path of the file.
            gc_moment: When to capture; ``COLLECT_FIRST`` needs OPERATE too.
            gc_wait_limit: Seconds that ``AFTER_NEXT_FULL_COLLECTION`` may wait;
                None is the server's default, 60.
            content_level: How much of the contents to include; above NONE it needs
                READ_CONTENT too.
            content_limit: Maximum bytes of each content; 0 is the server's
                default, 64.
            hash_strings: Whether to include a hash of each str and bytes, so that
                equal ones can be counted. Needs READ_CONTENT too.
            max_objects: Cut the snapshot after this many objects; 0 takes all. The
                trailer's ``cut`` reports what was left out.
            store: Whether the process keeps the snapshot in its store. Then the
                client reconnects after a broken connection and resumes the
                download; if that fails, ``fetch_snapshot`` resumes it later.
            progress: Called after each part that arrives.
            timeout: Seconds for the whole call; None is 120 plus the wait.

        Raises:
            FileNotWritten: The disk is full, or the place is not writable.
            IncompleteSnapshot: The stream ended early.
            CorruptSnapshot: The received data differs from the sent data.
        """
        request = heap_pb2.CaptureHeapSnapshotRequest(
            instance_id=self._instance_id,
            content_level=content_level,
            content_limit=content_limit,
            hash_strings=hash_strings,
            max_objects=max_objects,
            gc_moment=gc_moment,
            gc_wait_limit=to_duration(gc_wait_limit),
            store=store,
        )
        if timeout is None:
            waits = gc_moment == heap_graph_pb2.GC_MOMENT_AFTER_NEXT_FULL_COLLECTION
            timeout = _CAPTURE + (gc_wait_limit or _GC_WAIT if waits else 0.0)
        return await self._capture_into(path, request, progress, timeout)

    async def _capture_into(
        self,
        path: str | os.PathLike[str],
        request: heap_pb2.CaptureHeapSnapshotRequest,
        progress: Callable[[CaptureProgress], None] | None,
        timeout: float,
    ) -> CapturedSnapshot:
        # The replies stay bytes: the hash covers them, and there is no need to parse
        # millions of objects here.
        method: Any = self._calls.channel.unary_stream(
            _METHOD, request_serializer=heap_pb2.CaptureHeapSnapshotRequest.SerializeToString
        )
        with PartFile(path) as file:
            receiver = SnapshotReceiver(file, progress)
            try:
                call = self._calls.stream(method, request, timeout, receiver.take_audit_hash)
                async with aclosing(call) as messages:
                    async for message in messages:
                        await run_async(receiver.receive, message)
                        if request.store and not file.is_kept:
                            await run_async(file.keep, receiver.snapshot_id)
            except (ConnectionFailed, StreamStalled) as error:
                stalled = isinstance(error, StreamStalled)
                if receiver.byte_count == 0 or (stalled and not request.store):
                    raise
                if request.store:
                    return await self._fetch_rest(receiver.snapshot_id, file, receiver, timeout)
                raise IncompleteSnapshot(
                    f"The snapshot ended early, after {receiver.byte_count} bytes; nothing was "
                    f"kept. {error}"
                ) from error
            except CallFailed:
                # The capture itself failed, so there is nothing to resume.
                file.discard()
                raise
            return await run_async(receiver.finish)

    async def watch_heap_growth(
        self,
        *,
        interval: float | None = None,
        duration: float | None = None,
        limit: int = 0,
        baseline_id: str = "",
        keep_baseline: bool = False,
        allow_pause: bool = False,
        timeout: float | None = None,
    ) -> AsyncGenerator[GrowthPart, None]:
        """Watch for leaks and their holders. Needs INSPECT.

        Yields the header, a report after each sample, and the trailer. Closing
        the iterator ends the watch.

        Args:
            interval: Seconds between samples; None is the server's default, 10.
            duration: Seconds in total; None is the server's default, 60.
            limit: Maximum number of suspects per report; 0 is the server's default.
            baseline_id: A baseline that an earlier watch kept. Reports then include
                the growth since that baseline.
            keep_baseline: Whether to keep the first sample as a baseline; the
                trailer has its id.
            allow_pause: Whether each sample may stop the process if it cannot be
                cloned.
            timeout: Seconds for the whole call; None is the duration plus 60.

        Raises:
            ConnectionLost: The watch ended without a trailer.
        """
        request = growth_pb2.WatchHeapGrowthRequest(
            instance_id=self._instance_id,
            interval=to_duration(interval),
            duration=to_duration(duration),
            limit=limit,
            allow_pause=allow_pause,
            baseline_id=baseline_id,
            keep_baseline=keep_baseline,
        )
        if timeout is None:
            timeout = (duration or _WATCH) + _WATCH
        kind = None
        call = self._calls.stream(self._calls.stub.WatchHeapGrowth, request, timeout)
        async with aclosing(call) as replies:
            async for reply in replies:
                kind = reply.WhichOneof("part")
                if kind is not None:
                    yield getattr(reply, kind)
        if kind != "trailer":
            raise ConnectionLost("The watch ended before its trailer. Start it again.")
