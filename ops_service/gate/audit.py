"""One JSON line for every call before its work begins, and one for its outcome."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from ops_service.config.model import AuditConfig
from ops_service.errors import AuditUnavailable
from ops_service.gate.audit_file import FileSink, chained
from ops_service.log import Log

_LOGGER = logging.getLogger("ops_service.audit")
_LOG = Log("ops_service.audit")

# A hanging disk must not let records pile up in the host's memory. A record holds its
# request, and so up to `limits.request_bytes` of caller data.
_QUEUE_LIMIT = 1000
_QUEUE_BYTES = 16 << 20

# How long a call waits for its record. After that, a call whose record must be on disk
# is refused, and any other call continues, so that a hanging disk does not block health
# checks.
_DURABLE_SECONDS = 5.0
_ORDINARY_SECONDS = 1.0


class Sink(Protocol):
    """Destination of records. Used only by the audit's thread."""

    def write(self, record: dict[str, Any], *, durable: bool) -> str:
        """Append a record and return its hash. If durable, it is on disk when this returns."""

    def close(self) -> None: ...


class LogSink:
    """Passes lines to a logger, for a host that collects its logs.

    The host decides how soon they are on disk. For a durable record it is only certain
    that some handler received it.
    """

    def __init__(self) -> None:
        self._head = ""

    def write(self, record: dict[str, Any], *, durable: bool) -> str:
        """Log a record and return its hash.

        Raises:
            OSError: The record is durable, and no handler accepts it.
        """
        if durable and not _is_heard():
            raise OSError(
                "no handler accepts records of the logger ops_service.audit at the level INFO; "
                "configure one, or set audit.file"
            )
        line, self._head = chained(record, self._head)
        _LOGGER.info("%s", line.decode())
        return self._head

    def close(self) -> None:
        pass


def open_sink(config: AuditConfig) -> Sink:
    """Open the configured sink.

    Raises:
        StartError: The file cannot be opened, or others may write to it.
    """
    if config.file is None:
        return LogSink()
    return FileSink(config.file, rotate_bytes=config.rotate_bytes, keep=config.keep_files)


def _is_heard() -> bool:
    """True if a handler other than NullHandler accepts INFO."""
    if not _LOGGER.isEnabledFor(logging.INFO):
        return False
    logger: logging.Logger | None = _LOGGER
    while logger is not None:
        for handler in logger.handlers:
            if handler.level <= logging.INFO and not isinstance(handler, logging.NullHandler):
                return True
        logger = logger.parent if logger.propagate else None
    return False


class Audit:
    """Writes audit records in a separate thread, so that no disk blocks the loop."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(_QUEUE_LIMIT)
        self._lock = threading.Lock()
        self._queued_bytes = 0
        self._thread = threading.Thread(target=self._run, name="ops_service-audit", daemon=True)
        self._thread.start()

    async def begin(self, record: dict[str, Any], *, durable: bool) -> str:
        """Write the record of a call that is about to begin, and wait until it is written.

        Args:
            durable: The record must be on disk before the work begins.

        Returns:
            The hash of the record. Empty if it could not be written.

        Raises:
            AuditUnavailable: The record is durable and could not be written.
        """
        written = self._put(record, durable=durable)
        try:
            async with asyncio.timeout(_DURABLE_SECONDS if durable else _ORDINARY_SECONDS):
                return await asyncio.wrap_future(written)
        except OSError as error:
            # TimeoutError is an OSError.
            if durable:
                raise AuditUnavailable(
                    "The audit record could not be written, so the work did not begin. The log "
                    "of the process gives the reason; without audit.file, a handler of the logger "
                    "ops_service.audit must accept the record."
                ) from error
            return ""

    def end(self, record: dict[str, Any]) -> None:
        """Write the record of a call that ended. Does not wait."""
        self._put(record, durable=False)

    def close(self, timeout: float) -> None:
        """Write what is queued and close the sink, waiting at most this many seconds."""
        deadline = time.monotonic() + timeout
        try:
            self._queue.put(None, timeout=max(0.0, timeout))
        except queue.Full:
            return
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _put(self, record: dict[str, Any], *, durable: bool) -> Future[str]:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        written: Future[str] = Future()
        # Otherwise cancelling a waiting call would cancel the write too.
        written.set_running_or_notify_cancel()
        waiting = _Waiting({"time": stamp, **record}, durable, written, _weight(record))
        if not self._take_room(waiting.weight):
            written.set_exception(OSError("the queue of audit records is full"))
            return written
        try:
            self._queue.put_nowait(waiting)
        except queue.Full:
            self._give_room_back(waiting.weight)
            written.set_exception(OSError("the queue of audit records is full"))
        return written

    def _take_room(self, weight: int) -> bool:
        with self._lock:
            # A record larger than the whole bound passes only through an empty queue.
            if self._queued_bytes and self._queued_bytes + weight > _QUEUE_BYTES:
                return False
            self._queued_bytes += weight
            return True

    def _give_room_back(self, weight: int) -> None:
        with self._lock:
            self._queued_bytes -= weight

    def _run(self) -> None:
        failing = False
        while (item := self._queue.get()) is not None:
            try:
                head = self._sink.write(item.record, durable=item.durable)
            # The application's log handlers may raise anything.
            except BaseException as error:
                # Logged once each time that writing begins to fail. Otherwise a full disk
                # would fill the log as well.
                if not failing:
                    _LOG.error("audit records cannot be written: %s", error)
                failing = True
                item.written.set_exception(error if isinstance(error, OSError) else OSError())
            else:
                failing = False
                item.written.set_result(head)
            self._give_room_back(item.weight)
        self._sink.close()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A record that is not yet written."""

    record: dict[str, Any]
    durable: bool
    written: Future[str]
    weight: int


def _weight(value: Any) -> int:
    """Approximate size of plain data, in bytes."""
    if isinstance(value, str):
        return 64 + len(value)
    if isinstance(value, dict):
        return 128 + sum(_weight(key) + _weight(each) for key, each in value.items())
    if isinstance(value, list):
        return 64 + sum(map(_weight, value))
    return 32
