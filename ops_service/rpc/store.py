"""The methods of the store, and captures that go into it. Translates; decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import closing
from typing import Any

from google.protobuf.message import DecodeError

from ops_service.call import Call, current_call
from ops_service.errors import OpsServiceError, PermissionDenied, StoreDamaged
from ops_service.log import Log
from ops_service.messages.basics import process_id, timestamp
from ops_service.process.identity import ProcessIdentity
from ops_service.store.model import SnapshotState, StoredInstance, StoredSnapshot
from ops_service.store.reader import SnapshotReader
from ops_service.store.store import Store, required
from ops_service.store.writer import Growing
from ops_service.threads import Workers
from ops_service.v1 import heap_graph_pb2, process_pb2, store_pb2
from ops_service.varint import undelimited

_LOG = Log()

_CHUNK_BYTES = 256 << 10
_MAX_LISTED = 1000

_STATES = {
    SnapshotState.WHOLE: store_pb2.STORED_SNAPSHOT_STATE_WHOLE,
    SnapshotState.WRITING: store_pb2.STORED_SNAPSHOT_STATE_WRITING,
}


class StoreMethods:
    """The part of the servicer that reads and writes the store."""

    def __init__(self, identity: ProcessIdentity, workers: Workers, store: Store | None) -> None:
        self._identity = identity
        self._workers = workers
        self._store = store
        self._stored_captures: dict[asyncio.Task[None], Callable[[], None]] = {}

    def stop_stored_captures(self) -> None:
        """End captures that go on without their callers. The service is stopping."""
        for cancel in list(self._stored_captures.values()):
            cancel()

    async def ListSnapshots(
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

        await self._workers.run(fill, cancel=_nothing)
        return response

    async def ReadSnapshot(self, request: store_pb2.ReadSnapshotRequest, context: Any) -> None:
        store = required(self._store)
        call = current_call()

        def open_it() -> SnapshotReader:
            _check_content(store, request.snapshot_id, call)
            return store.read(request.snapshot_id, request.offset)

        with await self._workers.run(open_it, cancel=_nothing) as reader:
            header = store_pb2.ReadSnapshotHeader(
                process=process_id(self._identity),
                snapshot_id=request.snapshot_id,
                offset=request.offset,
            )
            await context.write(store_pb2.ReadSnapshotResponse(header=header))
            position = request.offset
            async for messages in self._read(reader):
                data = b"".join(messages)
                chunk = store_pb2.SnapshotChunk(offset=position, data=data)
                await context.write(store_pb2.ReadSnapshotResponse(chunk=chunk))
                position += len(data)
            trailer = store_pb2.ReadSnapshotTrailer(byte_count=position)
            await context.write(store_pb2.ReadSnapshotResponse(trailer=trailer))

    async def _capture_into_store(
        self,
        messages: Generator[bytes, None, None],
        *,
        snapshot_id: str,
        cancel: Callable[[], None],
        context: Any,
    ) -> None:
        """Write a capture into the store, and to the caller for as long as it is there."""
        store = required(self._store)
        growing = store.announce(snapshot_id)
        work = self._write_into_store(store, growing, messages)
        task = asyncio.create_task(work)
        # The loop itself keeps no task alive.
        self._stored_captures[task] = cancel
        task.add_done_callback(self._stored_captures.pop)
        with await self._workers.run(lambda: store.read(snapshot_id, 0), cancel=_nothing) as reader:
            async for chunk in self._read(reader):
                for message in chunk:
                    await context.write(undelimited(message))

    async def _write_into_store(
        self, store: Store, growing: Growing, messages: Generator[bytes, None, None]
    ) -> None:
        def write() -> None:
            # Closing the messages ends the child.
            with closing(messages), store.write(growing) as file:
                for message in messages:
                    file.append(message)
                file.commit()

        error: BaseException | None = None
        try:
            await self._workers.run(write, cancel=_nothing)
        except OpsServiceError as caught:
            error = caught
            _LOG.warning("the snapshot %s was not stored: %s", growing.snapshot_id, caught)
        except BaseException as caught:
            error = caught
            raise
        finally:
            store.written(growing, error)

    async def _read(self, reader: SnapshotReader) -> AsyncIterator[list[bytes]]:
        # A thread for each chunk, so that a slow caller holds none.
        while True:
            messages = await self._workers.run(
                lambda: reader.read(_CHUNK_BYTES), cancel=reader.close
            )
            if messages is None:
                return
            if messages:
                yield messages


def _nothing() -> None:
    pass


def _header(store: Store, snapshot_id: str) -> heap_graph_pb2.HeapGraphHeader | None:
    """The header of a snapshot; None while it is not written yet.

    Raises:
        StoreDamaged: It has none.
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
            "snapshots are not affected; capture anew."
        )
    return part.header


def _check_content(store: Store, snapshot_id: str, call: Call) -> None:
    """Refuse contents to whom a capture would have refused them."""
    header = _header(store, snapshot_id)
    # Before its header is written nobody knows yet what it will hold.
    holds_content = (
        header is None
        or header.content_level > heap_graph_pb2.CONTENT_LEVEL_NONE
        or header.strings_hashed
    )
    if holds_content and "READ_CONTENT" not in call.capabilities:
        raise PermissionDenied(
            "The snapshot holds contents of objects, which need the capability READ_CONTENT. "
            f"The server saw {call.principal}, which has no grant of READ_CONTENT.",
            details={
                "principal": call.principal,
                "missing_capability": "READ_CONTENT",
            },
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
        # It has gone, or another process is writing it.
        return message
    if header is not None:
        message.process.CopyFrom(header.process)
        message.capture_time.CopyFrom(header.capture_time)
    return message


def _stored_instance(stored: StoredInstance) -> store_pb2.StoredInstance:
    facts = stored.facts
    process = process_pb2.ProcessId(
        instance_id=facts.instance_id, pid=facts.pid, host_name=facts.host_name
    )
    if facts.start_time is not None:
        process.start_time.CopyFrom(timestamp(facts.start_time))
    return store_pb2.StoredInstance(
        process=process,
        service_start_time=timestamp(facts.service_start_time),
        running=stored.running,
        history_bytes=stored.history_bytes,
    )
