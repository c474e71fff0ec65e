"""GetMemory and ReclaimMemory: report memory use, and give some memory back."""

from __future__ import annotations

import threading
import time
from typing import Any

from ops_service.errors import Cancelled, OpsServiceError
from ops_service.heap.arenas import arena_statistics
from ops_service.heap.census import take_census
from ops_service.heap.model import Census, CensusOptions
from ops_service.messages.basics import process_id, timestamp
from ops_service.messages.memory import (
    collection_result,
    live_objects,
    memory_parts,
    trim_result,
)
from ops_service.process.identity import ProcessIdentity
from ops_service.process.memory import Memory, read_memory
from ops_service.process.reclaim import reclaim_memory
from ops_service.threads import Threads
from ops_service.v1 import memory_pb2


class MemoryHandler:
    """Serves GetMemory and ReclaimMemory."""

    def __init__(self, identity: ProcessIdentity, threads: Threads, options: CensusOptions) -> None:
        self._identity = identity
        self._threads = threads
        self._options = options

    async def get(
        self, request: memory_pb2.GetMemoryRequest, context: Any
    ) -> memory_pb2.GetMemoryResponse:
        cancel = threading.Event()

        def read() -> tuple[float, Memory, Census | OpsServiceError]:
            # Before the census, since the census's own memory would be counted.
            read_time, memory = time.time(), read_memory(arena_statistics)
            try:
                return read_time, memory, take_census(cancel=cancel, options=self._options)
            except Cancelled:
                raise
            except OpsServiceError as error:
                return read_time, memory, error

        read_time, memory, census = await self._threads.run(read, cancel=cancel.set)
        return memory_pb2.GetMemoryResponse(
            process=process_id(self._identity),
            read_time=timestamp(read_time),
            parts=memory_parts(memory),
            live_objects=live_objects(census),
        )

    async def reclaim(
        self, request: memory_pb2.ReclaimMemoryRequest, context: Any
    ) -> memory_pb2.ReclaimMemoryResponse:
        # Neither a collection nor a trim can be interrupted.
        done = await self._threads.run(
            lambda: reclaim_memory(arena_statistics, collect=request.collect, trim=request.trim)
        )
        return memory_pb2.ReclaimMemoryResponse(
            process=process_id(self._identity),
            before=memory_parts(done.before),
            after=memory_parts(done.after),
            collection=collection_result(done.collection) if done.collection else None,
            trim=trim_result(done.trim) if done.trim else None,
        )
