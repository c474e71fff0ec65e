"""ListWorkers: lists the descriptors in the run directory."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ops_service.messages.basics import duration, process_id
from ops_service.process.identity import ProcessIdentity
from ops_service.process.worker_descriptors import Descriptor, Worker, list_workers, look_at
from ops_service.threads import Threads
from ops_service.v1 import workers_pb2


class WorkersHandler:
    """Serves ListWorkers."""

    def __init__(
        self,
        identity: ProcessIdentity,
        threads: Threads,
        own_descriptor: Callable[[], Descriptor],
        run_directory: Path | None,
    ) -> None:
        """
        Args:
            own_descriptor: The descriptor of this process, once its port is open.
        """
        self._identity = identity
        self._threads = threads
        self._own_descriptor = own_descriptor
        self._run_directory = run_directory

    async def list_workers(
        self, request: workers_pb2.ListWorkersRequest, context: Any
    ) -> workers_pb2.ListWorkersResponse:
        own, directory = self._own_descriptor(), self._run_directory

        def read() -> list[Worker]:
            found = [] if directory is None else list_workers(directory)
            if not any(each.descriptor.instance_id == own.instance_id for each in found):
                found.append(look_at(own))
            return found

        workers = await self._threads.run(read)
        return workers_pb2.ListWorkersResponse(
            process=process_id(self._identity),
            workers=[_worker(each, own.instance_id) for each in workers],
        )


def _worker(worker: Worker, own_instance_id: str) -> workers_pb2.Worker:
    descriptor = worker.descriptor
    return workers_pb2.Worker(
        process=process_id(descriptor),
        role=descriptor.role,
        address=descriptor.address,
        slot=descriptor.slot,
        resident_bytes=worker.resident_bytes,
        service_uptime=duration(max(0.0, time.time() - descriptor.service_start_time)),
        stale=worker.stale,
        answered=descriptor.instance_id == own_instance_id,
    )
