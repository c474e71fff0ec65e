"""Methods of the asynchronous client for the store, with downloads that resume."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import aclosing

from ops_client._async.calls import AsyncCalls
from ops_client._flavours import run_async, sleep_async
from ops_client._part_file import PartFile
from ops_client._snapshot_stream import CapturedSnapshot, CaptureProgress, SnapshotReceiver
from ops_client.errors import (
    ConnectionFailed,
    ConnectionLost,
    IncompleteSnapshot,
    InsufficientMemory,
    InvalidRequest,
    SnapshotNotFound,
    StoreDamaged,
    StoreFull,
    StoreUnwritable,
    StreamStalled,
    WalkFailed,
    WalkTimeout,
)
from ops_service.v1 import store_pb2

_QUICK = 10.0
_DOWNLOAD = 3600.0

# Maximum attempts in a row that receive no byte, and the pause in seconds between them.
_ATTEMPTS = 4
_PAUSE = 0.5

# After these errors the partial file is useless: the snapshot does not exist, or the
# capture that was writing it failed.
_NO_REST = (
    InsufficientMemory,
    InvalidRequest,
    SnapshotNotFound,
    StoreDamaged,
    StoreFull,
    StoreUnwritable,
    WalkFailed,
    WalkTimeout,
)


class AsyncStoreMethods:
    """The part of the client that reads the store."""

    _calls: AsyncCalls
    _instance_id: str

    async def list_snapshots(self, *, timeout: float = _QUICK) -> store_pb2.ListSnapshotsResponse:
        """List the snapshots in the store of the process. Needs READ_HEAP.

        Raises:
            StoreDisabled: The process has no store.
        """
        request = store_pb2.ListSnapshotsRequest(instance_id=self._instance_id)
        reply: store_pb2.ListSnapshotsResponse = await self._calls.unary(
            self._calls.stub.ListSnapshots, request, timeout
        )
        return reply

    async def fetch_snapshot(
        self,
        snapshot_id: str,
        path: str | os.PathLike[str],
        *,
        progress: Callable[[CaptureProgress], None] | None = None,
        timeout: float = _DOWNLOAD,
    ) -> CapturedSnapshot:
        """Download a stored snapshot, or the rest of one. Needs READ_HEAP.

        A partial download is kept beside ``path``, in a file whose name contains the
        id and ends in ``.part``. A later call resumes it. The client reconnects a few
        times after a broken connection.

        Args:
            snapshot_id: Id from ``list_snapshots``, or from a snapshot's header.
            path: Path of the file.
            progress: Called after each part that arrives.
            timeout: Seconds for each connection.

        Raises:
            SnapshotNotFound: The store does not have the snapshot, or no longer has it.
            WalkFailed, WalkTimeout, InsufficientMemory, StoreFull: The snapshot was
                still being captured, and the capture failed.
            FileNotWritten: The disk is full, or the place is not writable.
            IncompleteSnapshot: The connection stays broken.
            CorruptSnapshot: The received data differs from the written data.
        """
        with PartFile.reopen(path, snapshot_id) as file:
            receiver = SnapshotReceiver(file, progress)
            await run_async(receiver.resume)
            return await self._fetch_rest(snapshot_id, file, receiver, timeout)

    async def _fetch_rest(
        self, snapshot_id: str, file: PartFile, receiver: SnapshotReceiver, timeout: float
    ) -> CapturedSnapshot:
        failures = 0
        while not receiver.is_whole:
            before = receiver.offset
            try:
                await self._fetch_once(snapshot_id, receiver, timeout)
            except (ConnectionFailed, StreamStalled) as error:
                failures = 1 if receiver.offset > before else failures + 1
                if failures >= _ATTEMPTS:
                    raise IncompleteSnapshot(
                        f"The download of {snapshot_id} stopped after {receiver.offset} bytes, "
                        f"which are kept in {file.part}. Fetch it again to resume. {error}"
                    ) from error
                await sleep_async(_PAUSE * failures)
            except _NO_REST:
                file.discard()
                raise
        return await run_async(receiver.finish)

    async def _fetch_once(
        self, snapshot_id: str, receiver: SnapshotReceiver, timeout: float
    ) -> None:
        request = store_pb2.ReadSnapshotRequest(
            instance_id=self._instance_id, snapshot_id=snapshot_id, offset=receiver.offset
        )
        kind = None
        call = self._calls.stream(
            self._calls.stub.ReadSnapshot, request, timeout, receiver.take_audit_hash
        )
        async with aclosing(call) as replies:
            async for reply in replies:
                kind = reply.WhichOneof("part")
                if kind == "chunk":
                    await run_async(receiver.receive_chunk, reply.chunk.offset, reply.chunk.data)
        if kind != "trailer":
            raise ConnectionLost("The stream ended before its trailer. Fetch it again.")
        if not receiver.is_whole:
            await run_async(receiver.finish)
