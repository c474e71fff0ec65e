"""One JSON line for every call before its work begins, and one with its outcome."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import queue
import threading
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from ops_service.errors import AuditUnavailable, StartError

_LOGGER = logging.getLogger("ops_service.audit")

# A disk that hangs must not let records pile up in the host's memory.
_QUEUE_LIMIT = 1000


class Sink(Protocol):
    """Where lines go. Used by the audit's thread alone."""

    def write(self, line: str, *, durable: bool) -> None:
        """Append a line. If durable, it is on disk when this returns."""

    def close(self) -> None: ...


class FileSink:
    """Appends to a file, which its owner alone may read if it is new."""

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(
                f"The audit file {path} cannot be opened ({error.strerror}); check audit.file "
                "and the permissions of its directory."
            ) from error

    def write(self, line: str, *, durable: bool) -> None:
        data = memoryview(line.encode())
        while data:
            data = data[os.write(self._fd, data) :]
        if durable:
            os.fdatasync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


class LogSink:
    """Hands lines to a logger, for a host that collects its logs."""

    def write(self, line: str, *, durable: bool) -> None:
        _LOGGER.info("%s", line.rstrip("\n"))

    def close(self) -> None:
        pass


class Audit:
    """Writes audit records in a thread of its own, so that no disk stops the loop."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._queue: queue.Queue[tuple[str, bool, Future[None]] | None] = queue.Queue(_QUEUE_LIMIT)
        self._thread = threading.Thread(target=self._run, name="ops_service-audit", daemon=True)
        self._thread.start()

    async def begin(self, record: dict[str, Any], *, durable: bool) -> None:
        """Write the record of a call that is about to begin, and wait for it.

        Args:
            durable: Whether the work must not begin unless the record is on disk.

        Raises:
            AuditUnavailable: It could not be written, and it is a durable one.
        """
        written = self._put(record, durable=durable)
        try:
            await asyncio.wrap_future(written)
        except OSError as error:
            if durable:
                raise AuditUnavailable(
                    "The audit record could not be written, so the work was not begun; "
                    "see the log of the process."
                ) from error

    def end(self, record: dict[str, Any]) -> None:
        """Write the record of a call that ended. Does not wait."""
        self._put(record, durable=False)

    def close(self, timeout: float) -> None:
        """Write what is queued and close the sink, waiting at most this many seconds."""
        try:
            self._queue.put(None, timeout=timeout)
        except queue.Full:
            return
        self._thread.join(timeout)

    def _put(self, record: dict[str, Any], *, durable: bool) -> Future[None]:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": stamp, **record}, separators=(",", ":")) + "\n"
        written: Future[None] = Future()
        # Otherwise the cancellation of a waiting call would cancel it too.
        written.set_running_or_notify_cancel()
        try:
            self._queue.put_nowait((line, durable, written))
        except queue.Full:
            written.set_exception(OSError("the queue of audit records is full"))
        return written

    def _run(self) -> None:
        failing = False
        while (item := self._queue.get()) is not None:
            line, durable, written = item
            try:
                self._sink.write(line, durable=durable)
            except Exception as error:
                # Once for each time that it begins to fail: a full disk would
                # otherwise fill the log as well.
                if not failing:
                    _LOGGER.error("audit records cannot be written: %s", error)
                failing = True
                written.set_exception(error if isinstance(error, OSError) else OSError())
            else:
                failing = False
                written.set_result(None)
        self._sink.close()
