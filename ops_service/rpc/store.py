"""ListSnapshots, ReadSnapshot, and captures into the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

from google.protobuf.message import DecodeError

from ops_service.call import current_call
from ops_service.errors import OpsServiceError, StoreDamaged
from ops_service.log import Log
from ops_service.messages.basics import process_id, timestamp
from ops_service.process.identity import ProcessIdentity
from ops_service.store.model import SnapshotState, StoredInstance, StoredSnapshot
from ops_service.store.reader import SnapshotReader
from ops_service.store.store import Store, required
from ops_service.store.writer import PartialSnapshot
from ops_service.threads import Threads
from ops_service.v1 import heap_graph_pb2, process_pb2, store_pb2
from ops_service.varint import undelimited

_LOG = Log()

_CHUNK_BYTES = 256 << 10
_MAX_LISTED = 1000

_STATES = {
    SnapshotState.WHOLE: store_pb2.STORED_SNAPSHOT_STATE_WHOLE,
    SnapshotState.WRITING: store_pb2.STORED_SNAPSHOT_STATE_WRITING,
}


class StoreHandler:
    """Serves ListSnapshots and ReadSnapshot, and stores captures for another handler."""

    def __init__(self, identity: ProcessIdentity, threads: Threads, store: Store | None) -> None:
        self._identity = identity
        self._threads = threads
        self._store = store
        self._captures: dict[asyncio.Task[None], Callable[[], None]] = {}

    def stop_captures(self) -> None:
        """End captures that continue without their callers. Called when the service stops."""
        for cancel in list(self._captures.values()):
            cancel()

    async def list_snapshots(
        self, request: store_pb2.ListSnapshotsRequest, context: Any
    ) -> store_pb2.ListSnapshotsResponse:
        store = required(self._store)
        response = store_pb2.ListSnapshotsResponse(
            process=process_id(self._identity), max_bytes=store.max_bytes
        )

        def fill() -> None:
            snapshots = store.snapshots()
            response.snapshots.extend(
                _stored_snapshot(store, each) for each in snapshots[:_MAX_LISTED]
            )
            response.instances.extend(map(_stored_instance, store.instances()[:_MAX_LISTED]))
            response.used_bytes = store.used_bytes()
            damaged = sum(
                each.state == store_pb2.STORED_SNAPSHOT_STATE_DAMAGED for each in response.snapshots
            )
            if damaged:
                response.warnings.append(f"{damaged} snapshots are damaged: see their state.")
            if len(snapshots) > _MAX_LISTED:
                response.warnings.append(
                    f"The latest {_MAX_LISTED} of {len(snapshots)} snapshots are listed."
                )

        await self._threads.run(fill)
        return response

    async def read(self, request: store_pb2.ReadSnapshotRequest, context: Any) -> None:
        store = required(self._store)
        identifier, offset = request.snapshot_id, request.offset
        if await self._threads.run(lambda: _may_hold_content(store, identifier)):
            current_call().require("READ_CONTENT", "A snapshot that holds contents of objects")
        with await self._threads.run(lambda: store.read(identifier, offset)) as reader:
            header = store_pb2.ReadSnapshotHeader(
                process=process_id(self._identity),
                snapshot_id=identifier,
                offset=offset,
            )
            await context.write(store_pb2.ReadSnapshotResponse(header=header))
            position = offset
            async for messages in self._chunks(reader):
                data = b"".join(messages)
                chunk = store_pb2.SnapshotChunk(offset=position, data=data)
                await context.write(store_pb2.ReadSnapshotResponse(chunk=chunk))
                position += len(data)
            trailer = store_pb2.ReadSnapshotTrailer(byte_count=position)
            await context.write(store_pb2.ReadSnapshotResponse(trailer=trailer))

    async def capture(
        self,
        messages: Generator[bytes, None, None],
        *,
        snapshot_id: str,
        cancel: Callable[[], None],
        context: Any,
    ) -> None:
        """Write a capture into the store, and to the caller while it stays connected.

        Args:
            messages: Messages of the capture. See `CaptureJob.messages`.
            cancel: Ends the capture soon.
        """
        store = required(self._store)
        partial = store.announce(snapshot_id)
        task = asyncio.create_task(self._write(store, partial, messages))
        # The loop itself does not keep tasks alive.
        self._captures[task] = cancel
        task.add_done_callback(self._captures.pop)
        with await self._threads.run(lambda: store.read(snapshot_id, 0)) as reader:
            async for chunk in self._chunks(reader):
                for message in chunk:
                    await context.write(undelimited(message))

    async def _write(
        self, store: Store, partial: PartialSnapshot, messages: Generator[bytes, None, None]
    ) -> None:
        try:
            await self._threads.run(lambda: store.write(partial, messages))
        except BaseException as error:
            # If no thread was free, nothing else reports the failure to the readers.
            store.withdraw(partial, error)
            if not isinstance(error, OpsServiceError):
                raise
            _LOG.warning("the snapshot %s was not stored: %s", partial.snapshot_id, error)

    async def _chunks(self, reader: SnapshotReader) -> AsyncIterator[list[bytes]]:
        # One thread for each chunk, so that a slow caller holds none.
        while True:
            messages = await self._threads.run(
                lambda: reader.read(_CHUNK_BYTES), cancel=reader.close
            )
            if messages is None:
                return
            if messages:
                yield messages


def _header(store: Store, snapshot_id: str) -> heap_graph_pb2.HeapGraphHeader | None:
    """The header of a snapshot. None if it is not written yet.

    Raises:
        StoreDamaged: The snapshot has no header.
    """
    with store.read(snapshot_id, 0) as reader:
        messages = reader.read(1)
    if messages is not None and not messages:
        return None
    try:
        data = undelimited(messages[0]) if messages else b""
        part = heap_graph_pb2.CaptureHeapSnapshotResponse.FromString(data)
    except DecodeError:
        part = heap_graph_pb2.CaptureHeapSnapshotResponse()
    if part.WhichOneof("part") != "header":
        raise StoreDamaged(
            f"The snapshot {snapshot_id} is damaged: it does not begin with a header. Other "
            "snapshots are not affected; capture again."
        )
    return part.header


def _may_hold_content(store: Store, snapshot_id: str) -> bool:
    """Whether a snapshot holds contents of objects, or may once its header is written."""
    header = _header(store, snapshot_id)
    return (
        header is None
        or header.content_level > heap_graph_pb2.CONTENT_LEVEL_NONE
        or header.strings_hashed
    )


def _stored_snapshot(store: Store, stored: StoredSnapshot) -> store_pb2.StoredSnapshot:
    message = store_pb2.StoredSnapshot(
        snapshot_id=stored.snapshot_id,
        process=process_pb2.ProcessId(instance_id=stored.instance_id),
        byte_count=stored.byte_count,
        state=_STATES[stored.state],
    )
    try:
        header = _header(store, stored.snapshot_id)
    except StoreDamaged:
        message.state = store_pb2.STORED_SNAPSHOT_STATE_DAMAGED
        return message
    except OpsServiceError:
        # It was removed, or another process is writing it.
        return message
    if header is not None:
        message.process.CopyFrom(header.process)
        message.capture_time.CopyFrom(header.capture_time)
    return message


def _stored_instance(stored: StoredInstance) -> store_pb2.StoredInstance:
    facts = stored.facts
    return store_pb2.StoredInstance(
        process=process_id(facts),
        service_start_time=timestamp(facts.service_start_time),
        running=stored.running,
        history_bytes=stored.history_bytes,
    )
