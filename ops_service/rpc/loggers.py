"""ListLoggers and SetLogLevel: translate requests and states of loggers."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ops_service.errors import Busy
from ops_service.messages.basics import clean, limit_field, process_id, seconds_field, timestamp
from ops_service.process.identity import ProcessIdentity
from ops_service.process.loggers import LoggerState, LogLevels
from ops_service.threads import Threads
from ops_service.v1 import loggers_pb2

_RETRY_SECONDS = 1.0


class LoggersHandler:
    """Serves ListLoggers and SetLogLevel."""

    def __init__(self, identity: ProcessIdentity, threads: Threads, log_levels: LogLevels) -> None:
        self._identity = identity
        self._threads = threads
        self._log_levels = log_levels
        self._restoring: set[asyncio.Task[None]] = set()
        self._restore_timers: dict[str, tuple[int, asyncio.TimerHandle]] = {}

    async def list_loggers(
        self, request: loggers_pb2.ListLoggersRequest, context: Any
    ) -> loggers_pb2.ListLoggersResponse:
        limit = limit_field(request.limit, field="limit", default=1000, high=10_000)
        found = await self._threads.run(lambda: self._log_levels.loggers(request.prefix))
        return loggers_pb2.ListLoggersResponse(
            process=process_id(self._identity),
            loggers=[_state(each) for each in found[:limit]],
            logger_count=len(found),
        )

    async def set_level(
        self, request: loggers_pb2.SetLogLevelRequest, context: Any
    ) -> loggers_pb2.SetLogLevelResponse:
        restore_after = seconds_field(
            request.restore_after,
            is_set=request.HasField("restore_after"),
            field="restore_after",
            default=600.0,
            low=1.0,
            high=24 * 3600.0,
        )
        name = request.logger
        # In a thread, since the application may hold the lock of logging.
        change = await self._threads.run(
            lambda: (
                self._log_levels.set_level(name, request.level)
                if request.level
                else self._log_levels.restore(name)
            ),
        )
        response = loggers_pb2.SetLogLevelResponse(
            process=process_id(self._identity),
            before=_state(change.before),
            after=_state(change.after),
        )
        if request.level:
            response.restore_time.CopyFrom(timestamp(time.time() + restore_after))
            self._restore_later(restore_after, name, change.number)
        return response

    def _restore_later(self, seconds: float, name: str, number: int) -> None:
        """Schedule the restore. Each logger has one timer, that of its latest change."""
        latest, timer = self._restore_timers.get(name, (0, None))
        if latest > number:
            return
        if timer is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._restore_timers[name] = (
            number,
            loop.call_later(seconds, self._restore_level, loop, name, number),
        )

    def _restore_level(self, loop: asyncio.AbstractEventLoop, name: str, number: int) -> None:
        self._restore_timers.pop(name, None)
        # Keep a reference until it is done.
        task = loop.create_task(self._restore(name, number))
        self._restoring.add(task)
        task.add_done_callback(self._restoring.discard)

    async def _restore(self, name: str, number: int) -> None:
        while True:
            try:
                await self._threads.run(lambda: self._log_levels.restore(name, number))
                return
            except Busy:
                await asyncio.sleep(_RETRY_SECONDS)


def _state(state: LoggerState) -> loggers_pb2.LoggerState:
    return loggers_pb2.LoggerState(
        name=clean(state.name),
        level=clean(state.level),
        effective_level=clean(state.effective_level),
        handler_count=state.handler_count,
        propagates=state.propagates,
        disabled=state.disabled,
        changed=state.changed,
    )
