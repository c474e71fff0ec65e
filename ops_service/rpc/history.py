"""ReadGrowthHistory: records of the background watch of this process or an earlier one."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError

from ops_service.errors import HistoryNotFound, InvalidRequest, WatchDisabled
from ops_service.messages.basics import duration, process_id, timestamp
from ops_service.process.identity import ProcessIdentity
from ops_service.store.model import StoredInstance, is_id
from ops_service.store.store import Store, required
from ops_service.threads import Threads
from ops_service.v1 import growth_history_pb2
from ops_service.watch.background import BackgroundWatch
from ops_service.watch.records import by_time, without_details

Records = list[growth_history_pb2.GrowthRecord]


class HistoryHandler:
    """Serves ReadGrowthHistory."""

    def __init__(
        self,
        identity: ProcessIdentity,
        threads: Threads,
        store: Store | None,
        watch: BackgroundWatch | None,
    ) -> None:
        """
        Args:
            watch: The background watch of this process, if one is configured.
        """
        self._identity = identity
        self._threads = threads
        self._store = store
        self._watch = watch

    async def read(
        self, request: growth_history_pb2.ReadGrowthHistoryRequest, context: Any
    ) -> None:
        if request.previous and request.stored_instance_id:
            raise InvalidRequest(
                "previous and stored_instance_id both select the process; set one of them.",
                details={"field": "previous"},
            )
        stored = request.previous or request.stored_instance_id not in (
            "",
            self._identity.instance_id,
        )
        header, records, warnings = await self._threads.run(
            lambda: self._stored(request) if stored else self._own()
        )
        header.process.CopyFrom(process_id(self._identity))
        response = growth_history_pb2.ReadGrowthHistoryResponse
        await context.write(response(header=header))
        for record in records:
            await context.write(response(record=record))
        trailer = growth_history_pb2.GrowthHistoryTrailer(
            record_count=len(records), warnings=warnings
        )
        await context.write(response(trailer=trailer))

    def _own(self) -> tuple[growth_history_pb2.GrowthHistoryHeader, Records, list[str]]:
        watch = self._watch
        if watch is None:
            raise WatchDisabled(
                "No background watch runs in this process; set interval_seconds under [watch] in "
                "its configuration and restart it, or watch it now."
            )
        header = growth_history_pb2.GrowthHistoryHeader(
            watched_process=process_id(self._identity),
            running=True,
            service_start_time=timestamp(self._identity.service_start_time),
            interval=duration(watch.interval),
        )
        return header, watch.history.records(), []

    def _stored(
        self, request: growth_history_pb2.ReadGrowthHistoryRequest
    ) -> tuple[growth_history_pb2.GrowthHistoryHeader, Records, list[str]]:
        store = required(self._store)
        instance = _find(store, request)
        facts = instance.facts
        data, damaged = store.read_history(facts.instance_id)
        records, unreadable = _parse(data)
        warnings = []
        if damaged or unreadable:
            warnings.append(
                "Records of the history are damaged, or were being written when the process "
                "ended; the rest is here."
            )
        header = growth_history_pb2.GrowthHistoryHeader(
            watched_process=process_id(facts),
            running=instance.running,
            service_start_time=timestamp(facts.service_start_time),
        )
        return header, records, warnings


def _find(store: Store, request: growth_history_pb2.ReadGrowthHistoryRequest) -> StoredInstance:
    if request.previous:
        previous = store.previous()
        if previous is None:
            raise HistoryNotFound(
                "No earlier process left a history in the store. That requires a background "
                "watch in that process, and a directory that outlives the container."
            )
        return previous
    if is_id(request.stored_instance_id):
        for each in store.instances():
            if each.facts.instance_id == request.stored_instance_id and each.history_bytes:
                return each
    raise HistoryNotFound(
        f"The store has no history of {request.stored_instance_id[:64]!r}. List the snapshots to "
        "see which processes left data."
    )


def _parse(data: list[bytes]) -> tuple[Records, int]:
    """Records by time, as `by_time` returns them, and the number of unreadable ones."""
    records: Records = []
    latest = suspected = None
    unreadable = 0
    for each in data:
        try:
            record = growth_history_pb2.GrowthRecord.FromString(each)
        except DecodeError:
            unreadable += 1
            continue
        if record.HasField("report"):
            latest = record
            if record.report.suspects:
                suspected = record
        records.append(without_details(record))
    whole = [each for each in (suspected, latest) if each is not None]
    return by_time(records, whole), unreadable
