"""All runs of operations in one service: admission, and runs that have not ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ops_service.errors import Busy, OperationUnavailable
from ops_service.process.operation_run import OperationRun
from ops_service.process.operation_schema import check_arguments
from ops_service.process.operations import Operation

_MOST = 16


@dataclass(frozen=True, slots=True)
class RunningOperation:
    """A run that has not ended."""

    run_id: str
    principal: str
    name: str
    elapsed: float
    """Seconds."""
    past_time_limit: bool


class OperationRunner:
    """Starts operations, up to each operation's limit at once. Safe from any thread."""

    def __init__(self, find_loop: Callable[[], asyncio.AbstractEventLoop | None]) -> None:
        self._find_loop = find_loop
        self._lock = threading.Lock()
        self._running: dict[str, OperationRun] = {}

    def start(
        self,
        operation: Operation,
        given: Mapping[str, Any],
        *,
        run_id: str,
        principal: str,
        time_limit: float,
        on_change: Callable[[], None],
    ) -> OperationRun:
        """Check the arguments and start the operation.

        Args:
            given: Arguments as plain data.
            on_change: Called from any thread when there is progress or a result.

        Raises:
            InvalidRequest: An argument is unknown, missing, or does not fit.
            OperationUnavailable: It needs the application's loop, and none is known.
            Busy: The limit of concurrent runs is reached, or the system refused the start.
        """
        arguments = check_arguments(operation.name, operation.parameters, given)
        loop = self._find_loop() if operation.is_async else None
        if operation.is_async and loop is None:
            raise OperationUnavailable(
                f"The operation {operation.name} runs on the application's event loop. No running "
                "loop is known, or there are several and none in the main thread."
            )
        run = OperationRun(
            run_id=run_id,
            principal=principal,
            name=operation.name,
            time_limit=time_limit,
            on_change=on_change,
            on_end=self._forget,
        )
        if operation.context_name is not None:
            arguments[operation.context_name] = run.context
        self._admit(run, operation)
        try:
            if loop is not None:
                run.start_on_loop(operation.function, arguments, loop)
            else:
                run.start_in_thread(operation.function, arguments)
        except RuntimeError as error:
            self._forget(run)
            raise Busy("The system refused to start it; try again.", retry_after=1.0) from error
        return run

    def running(self) -> list[RunningOperation]:
        """Runs that have not ended, oldest first."""
        with self._lock:
            runs = list(self._running.values())
        return [
            RunningOperation(
                run.run_id, run.principal, run.name, run.elapsed, run.elapsed > run.time_limit
            )
            for run in runs
        ]

    def stop_all(self) -> None:
        """Ask all runs to end. Does not wait."""
        with self._lock:
            runs = list(self._running.values())
        for run in runs:
            run.stop()

    def _admit(self, run: OperationRun, operation: Operation) -> None:
        with self._lock:
            same = sum(each.name == operation.name for each in self._running.values())
            if same >= operation.max_concurrent or len(self._running) >= _MOST:
                what = f"The operation {operation.name} runs" if same else "Operations run"
                raise Busy(
                    f"{what} already, and the limit is reached. GetProcess lists the runs. A "
                    "run that ignores the request to end keeps its place.",
                    retry_after=1.0,
                )
            self._running[run.run_id] = run

    def _forget(self, run: OperationRun) -> None:
        with self._lock:
            self._running.pop(run.run_id, None)
