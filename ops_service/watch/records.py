"""Records of the background watch: bounded in memory, and in the store if there is one."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from ops_service.errors import OpsServiceError
from ops_service.log import Log
from ops_service.store.store import Store
from ops_service.v1 import growth_history_pb2

_LOG = Log()

# A record without suspects and types takes about 100 bytes.
_MAX_RECORDS = 1000
_MAX_EVENTS = 200


class WatchHistory:
    """Records of one watch, and its latest report in full. Safe from any thread."""

    def __init__(self, store: Store | None, max_bytes: int) -> None:
        self._lock = threading.Lock()
        self._points: list[bytes] = []
        self._events: list[bytes] = []
        self._latest: bytes | None = None
        self._suspected: bytes | None = None
        self._writer = store.write_history(max_bytes) if store is not None else None
        self._failing = False

    def add(self, record: growth_history_pb2.GrowthRecord) -> None:
        """Add a report or an event. A failing store is logged once."""
        data = record.SerializeToString()
        with self._lock:
            if record.HasField("event"):
                self._events = [*self._events[-_MAX_EVENTS + 1 :], data]
            else:
                self._latest = data
                if record.report.suspects:
                    self._suspected = data
                self._points.append(without_details(record).SerializeToString())
                if len(self._points) > _MAX_RECORDS:
                    # Drop every second one; keep the first and the latest.
                    self._points = [*self._points[:-1:2], self._points[-1]]
        if self._writer is None:
            return
        try:
            self._writer.append(data)
        except OpsServiceError as error:
            if not self._failing:
                _LOG.warning("the watch's history is not stored: %s", error)
            self._failing = True
        else:
            self._failing = False

    def records(self) -> list[growth_history_pb2.GrowthRecord]:
        """Points and events by time. See `by_time`."""
        with self._lock:
            kept = [*self._points, *self._events]
            whole = [each for each in (self._suspected, self._latest) if each is not None]
        parse = growth_history_pb2.GrowthRecord.FromString
        return by_time(map(parse, kept), map(parse, whole))


def by_time(
    records: Iterable[growth_history_pb2.GrowthRecord],
    whole: Iterable[growth_history_pb2.GrowthRecord],
) -> list[growth_history_pb2.GrowthRecord]:
    """Sort records by time, and replace some by their detailed versions.

    Args:
        records: Records without details.
        whole: Records with details; each replaces the record of the same time.
    """
    # A report and an event may have the same time; two reports do not.
    found = {
        (each.time.ToNanoseconds(), each.WhichOneof("content")): each for each in (*records, *whole)
    }
    return [found[key] for key in sorted(found, key=lambda key: key[0])]


def without_details(
    record: growth_history_pb2.GrowthRecord,
) -> growth_history_pb2.GrowthRecord:
    """A copy with figures and verdict, but without types and suspects."""
    short = growth_history_pb2.GrowthRecord()
    short.CopyFrom(record)
    if not record.HasField("report"):
        return short
    for field in ("types", "suspects", "outside", "warnings"):
        short.report.ClearField(field)
    return short
