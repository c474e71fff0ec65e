"""Runs of operations: where they run, their progress, and how they end."""

from __future__ import annotations

import asyncio
import enum
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from ops_service.log import Log

_LOG = Log()

_MESSAGE_LENGTH = 2000
# A slow reader gets only the latest progress.
_PENDING = 100


class OperationFailed(Exception):
    """Raise it in an operation to report to the caller why the operation failed.

    The caller reads its text. The text of any other exception stays in the process.
    """


class OperationCancelled(BaseException):
    """Raised in an operation that reports progress after the request to end."""


class OperationOutcome(enum.Enum):
    """How a run ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    """It raised `OperationFailed`."""
    RAISED = "raised"
    TIMED_OUT = "timed out"
    STILL_RUNNING = "still running"


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a run."""

    fraction: float | None
    """From 0 to 1. None if not known."""
    message: str


@dataclass(frozen=True, slots=True)
class OperationResult:
    """How a run ended, and what it returned."""

    outcome: OperationOutcome
    value: Any = None
    message: str = ""
    """Text of an `OperationFailed`."""
    exception_type: str = ""


class OperationContext:
    """Facts about a run for its operation, and progress reports. Safe from any thread."""

    def __init__(self, run_id: str, principal: str, on_change: Callable[[], None]) -> None:
        self.run_id = run_id
        """The run's id in the audit record."""
        self.principal = principal
        """The caller who runs it."""
        self._on_change = on_change
        self._cancelled = threading.Event()
        self._pending: deque[Progress] = deque(maxlen=_PENDING)

    @property
    def cancelled(self) -> bool:
        """Whether the run was asked to end: it timed out, or the caller left."""
        return self._cancelled.is_set()

    def progress(self, fraction: float | None = None, message: str = "") -> None:
        """Report progress to the caller.

        Args:
            fraction: From 0 to 1, or None.
            message: What the operation does now. The caller reads it.

        Raises:
            OperationCancelled: The run was asked to end. Do not catch it.
        """
        if self.cancelled:
            raise OperationCancelled
        if fraction is not None:
            fraction = min(1.0, max(0.0, float(fraction)))
        self._pending.append(Progress(fraction, str(message)[:_MESSAGE_LENGTH]))
        self._on_change()

    def _cancel(self) -> None:
        self._cancelled.set()

    def _take(self) -> list[Progress]:
        taken = []
        while self._pending:
            taken.append(self._pending.popleft())
        return taken


class OperationRun:
    """One run. It ends on its own, or by obeying a request to end."""

    def __init__(
        self,
        *,
        run_id: str,
        principal: str,
        name: str,
        time_limit: float,
        on_change: Callable[[], None],
        on_end: Callable[[OperationRun], None],
    ) -> None:
        self.run_id = run_id
        self.principal = principal
        self.name = name
        self.time_limit = time_limit
        self.context = OperationContext(run_id, principal, on_change)
        self.result: OperationResult | None = None
        self._on_change = on_change
        self._on_end = on_end
        self._started = time.monotonic()
        self._future: Future[None] | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._started

    def take_progress(self) -> list[Progress]:
        """Remove and return the progress reported since the last call."""
        return self.context._take()

    def start_in_thread(self, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        """Run a plain function in its own thread.

        Raises:
            RuntimeError: The system refused a thread.
        """

        def body() -> None:
            try:
                sys.audit("ops_service.invoke_operation", self.run_id, self.principal, self.name)
                result = OperationResult(OperationOutcome.COMPLETED, function(**arguments))
            except BaseException as error:
                result = self._failure(error)
            self._end(result)

        # Not named like the service's threads: the application's code runs in it.
        threading.Thread(target=body, name=f"operation {self.name}", daemon=True).start()

    def start_on_loop(
        self,
        function: Callable[..., Any],
        arguments: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Run a coroutine function on the application's loop.

        Raises:
            RuntimeError: The loop is closed.
        """

        async def body() -> None:
            # Let no exception leave: a SystemExit would end the application's loop.
            try:
                sys.audit("ops_service.invoke_operation", self.run_id, self.principal, self.name)
                result = OperationResult(OperationOutcome.COMPLETED, await function(**arguments))
            except BaseException as error:
                result = self._failure(error)
            self._end(result)

        coroutine = body()
        try:
            self._future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        except RuntimeError:
            coroutine.close()
            raise

    def stop(self) -> None:
        """Ask the run to end. Does not wait."""
        self.context._cancel()
        if self._future is not None:
            self._future.cancel()

    def _failure(self, error: BaseException) -> OperationResult:
        if isinstance(error, OperationFailed):
            try:
                return OperationResult(
                    OperationOutcome.FAILED, message=str(error)[:_MESSAGE_LENGTH]
                )
            except Exception as second:
                error = second
        stopped = isinstance(error, OperationCancelled | asyncio.CancelledError)
        if stopped and self.context.cancelled:
            return OperationResult(OperationOutcome.TIMED_OUT)
        _LOG.error("the operation %s failed in call %s", self.name, self.run_id, exc_info=error)
        kind = type(error)
        name = kind.__qualname__
        if kind.__module__ != "builtins":
            name = f"{kind.__module__}.{name}"
        return OperationResult(OperationOutcome.RAISED, exception_type=name)

    def _end(self, result: OperationResult) -> None:
        self.result = result
        self._on_end(self)
        self._on_change()
