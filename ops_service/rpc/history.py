"""ReadGrowthHistory: what the background watch of this process saw, or one before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError

from ops_service.config.model import Config
from ops_service.errors import HistoryNotFound, InvalidRequest, WatchDisabled
from ops_service.heap.model import CaptureOptions
from ops_service.messages.basics import duration, process_id, timestamp
from ops_service.process.identity import ProcessIdentity
from ops_service.store.model import StoredInstance, is_id
from ops_service.store.store import Store, required
from ops_service.threads import Workers
from ops_service.v1 import growth_history_pb2, process_pb2
from ops_service.watch.actions import Actions, Hook
from ops_service.watch.background import BackgroundWatch
from ops_service.watch.history import WatchHistory, by_time, without_details
from ops_service.watch.rules import Rules
from ops_service.watch.sampling import GrowthSampling

Records = list[growth_history_pb2.GrowthRecord]


class HistoryMethods:
    """A part of the servicer."""

    _config: Config
    _identity: ProcessIdentity
    _workers: Workers
    _store: Store | None
    _growth: GrowthSampling
    _background: BackgroundWatch | None = None

    def start_watch(self, hook: Hook | None, record: Callable[[dict[str, Any]], None]) -> None:
        """Start the background watch, if one is configured.

        Args:
            hook: Function of the host that rules may call.
            record: Writes an audit record.
        """
        config = self._config
        if config.watch.interval_seconds:
            actions = Actions(
                store=self._store,
                identity=self._identity,
                options=CaptureOptions(
                    lifetime_limit=config.heap.lifetime_limit_seconds,
                    cpu_share=config.heap.cpu_share,
                ),
                hook=hook,
                record=record,
            )
            history = WatchHistory(self._store, config.watch.history_bytes)
            self._background = BackgroundWatch(
                config.watch.interval_seconds, self._growth, history, Rules(config.rules), actions
            )
            self._background.start()

    def stop_watch(self) -> None:
        """End the background watch soon."""
        if self._background is not None:
            self._background.stop()

    async def ReadGrowthHistory(
        self, request: growth_history_pb2.ReadGrowthHistoryRequest, context: Any
    ) -> None:
        if request.previous and request.stored_instance_id:
            raise InvalidRequest(
                "previous and stored_instance_id both say whose history; set one of them.",
                details={"field": "previous"},
            )
        stored = request.previous or request.stored_instance_id not in (
            "",
            self._identity.instance_id,
        )
        header, records, warnings = await self._workers.run(
            lambda: self._stored(request) if stored else self._own(), cancel=lambda: None
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
        if self._background is None:
            raise WatchDisabled(
                "No background watch runs in this process; set interval_seconds under [watch] in "
                "its configuration and start it again, or watch it now."
            )
        header = growth_history_pb2.GrowthHistoryHeader(
            watched_process=process_id(self._identity),
            running=True,
            service_start_time=timestamp(self._identity.service_start_time),
            interval=duration(self._background.interval),
        )
        return header, self._background.history.records(), []

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
        process = process_pb2.ProcessId(
            instance_id=facts.instance_id, pid=facts.pid, host_name=facts.host_name
        )
        if facts.start_time is not None:
            process.start_time.CopyFrom(timestamp(facts.start_time))
        header = growth_history_pb2.GrowthHistoryHeader(
            watched_process=process,
            running=instance.running,
            service_start_time=timestamp(facts.service_start_time),
        )
        return header, records, warnings


def _find(store: Store, request: growth_history_pb2.ReadGrowthHistoryRequest) -> StoredInstance:
    if request.previous:
        previous = store.previous()
        if previous is None:
            raise HistoryNotFound(
                "No process before this one left a history in the store. It takes a background "
                "watch there, and a directory that outlives the container."
            )
        return previous
    if is_id(request.stored_instance_id):
        for each in store.instances():
            if each.facts.instance_id == request.stored_instance_id and each.history_bytes:
                return each
    raise HistoryNotFound(
        f"The store has no history of {request.stored_instance_id[:64]!r}. List the snapshots to "
        "see which processes left something."
    )


def _parse(data: list[bytes]) -> tuple[Records, int]:
    """Records by time, as `by_time` has them; and how many were no records."""
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
