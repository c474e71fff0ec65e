"""One evaluation, from its source to its result, wherever it runs.

Threads: "ops_service-evaluation" compiles the code. It also runs it, unless the code
belongs on the application's event loop or in its main thread. "ops_service-timers" ends
the evaluation at its time limit. Both are daemons, so neither keeps the process from
exiting.
"""

from __future__ import annotations

import asyncio
import enum
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from inspect import CO_COROUTINE
from typing import Any

from ops_service.repl.failure import Raised, describe
from ops_service.repl.interruption import EvaluationInterrupted, InterruptibleSection
from ops_service.repl.namespace import Console
from ops_service.repl.places import NO_LOOP, Place, Places
from ops_service.repl.plain import Plain, plain_copy
from ops_service.repl.source import COMPILE_ERRORS, Compiled, compile_source, is_incomplete
from ops_service.repl.text import bounded_repr
from ops_service.repl.timers import Timer, Timers
from ops_service.repl.types import type_name

FILE_NAME = "<evaluation>"

# Maximum time of a stop; after it the evaluation counts as one that cannot be stopped.
# The request is repeated meanwhile, because code may swallow one.
_STOP_SECONDS = 1.0
_REPEAT_SECONDS = 0.1


class EvaluationOutcome(enum.Enum):
    """How an evaluation ended."""

    COMPLETED = "completed"
    RAISED = "raised"
    INVALID_SOURCE = "invalid_source"
    TIMED_OUT = "timed_out"
    STILL_RUNNING = "still_running"
    INTERRUPTED = "interrupted"
    NOT_STARTED = "not_started"


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """How an evaluation ended, with its value or exception."""

    outcome: EvaluationOutcome
    value_repr: str = ""
    value_truncated: bool = False
    plain: Plain | None = None
    exception: Raised | None = None
    source_incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of one evaluation. Sizes count bytes of UTF-8."""

    time_limit: float
    """Seconds."""
    output_limit: int
    result_limit: int
    """Limit of the value's text, of the value as data, and of each text of an exception."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Code to evaluate, and for whom."""

    evaluation_id: str
    principal: str
    source: str
    bounds: Bounds
    place: Place | None = None
    """Where to run it. None: on the event loop if it awaits, else in its own thread."""
    file_name: str = FILE_NAME
    """Name of the source in tracebacks."""


class Evaluation:
    """Code that runs or has run. Started by `Evaluator`."""

    def __init__(
        self,
        code: Input,
        console: Console,
        places: Places,
        timers: Timers,
        *,
        on_change: Callable[[], None],
        on_end: Callable[[Evaluation], None],
        keeps_console: bool = False,
    ) -> None:
        """
        Args:
            on_change: Called from a thread of the evaluation when `result` is set.
            on_end: Called from the evaluating thread as its last action.
            keeps_console: Whether code will run under the console's names again.
        """
        self.evaluation_id = code.evaluation_id
        self.principal = code.principal
        self.output = console.output
        self.past_time_limit = False
        self.place = code.place or Place.WORKER_THREAD
        self._chosen = code.place is not None
        self._source = code.source
        self._bounds = code.bounds
        self._console = console
        self._places = places
        self._timers = timers
        self._timer: Timer | None = None
        self._on_change = on_change
        self._on_end = on_end
        self._file_name = code.file_name
        self._keeps_console = keeps_console
        self._lock = threading.Lock()
        self._section = InterruptibleSection()
        self._stopped: EvaluationOutcome | None = None
        self._handed_over: bool | None = None
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._result: EvaluationResult | None = None
        self._ended = False
        self._started = time.monotonic()
        self._seconds = 0.0

    def start(self) -> None:
        """Start the evaluation. RuntimeError if the system refuses a thread."""
        self._timer = self._timers.call_later(
            self._bounds.time_limit, lambda: self.stop(EvaluationOutcome.TIMED_OUT)
        )
        try:
            threading.Thread(target=self._run, name="ops_service-evaluation", daemon=True).start()
        except RuntimeError:
            self._timer.cancel()
            raise

    @property
    def result(self) -> EvaluationResult | None:
        """How it ended. None while it runs within its time limit."""
        return self._result

    @property
    def elapsed(self) -> float:
        """Seconds for which it has been running, or ran."""
        return self._seconds if self._ended else time.monotonic() - self._started

    # ---- its end ---------------------------------------------------------------------

    def stop(self, outcome: EvaluationOutcome = EvaluationOutcome.INTERRUPTED) -> None:
        """Ask it to end, with this outcome if it can be stopped. Does not wait."""
        with self._lock:
            if self._ended or self._stopped is not None:
                return
            self._stopped = outcome
        self._press(time.monotonic() + _STOP_SECONDS)

    def _press(self, until: float) -> None:
        """Ask it to end, repeat the request, and give up after a while."""
        if self._ended:
            return
        if self._withdraw():
            self._finish(EvaluationResult(EvaluationOutcome.NOT_STARTED))
            return
        if not self._section.interrupt() and self._task is not None and self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._task.cancel)
            except RuntimeError:
                # The application closed its loop, and the task with it.
                self._finish(EvaluationResult(self._stopped or EvaluationOutcome.INTERRUPTED))
                return
        if time.monotonic() < until:
            self._timers.call_later(_REPEAT_SECONDS, partial(self._press, until))
            return
        with self._lock:
            if self._result is not None:
                return
            self.past_time_limit = True
            self._result = EvaluationResult(EvaluationOutcome.STILL_RUNNING)
        self._on_change()

    def _finish(self, result: EvaluationResult) -> None:
        if not self._keeps_console:
            self._console.release()
        with self._lock:
            if self._ended:
                return
            self._ended = True
            self._seconds = time.monotonic() - self._started
            changed = self._result is None
            self._result = self._result or result
        if self._timer is not None:
            self._timer.cancel()
        if changed:
            self._on_change()
        self._on_end(self)

    # ---- in its own thread -----------------------------------------------------------

    def _run(self) -> None:
        done = self._section.run(self._compile_and_run, self._otherwise)
        if isinstance(done, EvaluationResult):
            self._finish(done)
        else:
            self._hand_over(done)

    def _compile_and_run(self) -> EvaluationResult | Compiled:
        try:
            sys.audit("ops_service.evaluate", self.evaluation_id, self.principal, self._source)
            self._console.refresh()
        except BaseException as error:
            return self._raised(EvaluationOutcome.RAISED, error)
        self._console.keep_source(self._file_name, self._source)
        try:
            compiled = compile_source(self._source, self._file_name, self._console.flags)
        except COMPILE_ERRORS as error:
            incomplete = isinstance(error, SyntaxError) and is_incomplete(self._source)
            return self._raised(
                EvaluationOutcome.INVALID_SOURCE, error, source_incomplete=incomplete
            )
        self._console.flags = compiled.flags
        if compiled.awaits and not self._chosen:
            self.place = Place.EVENT_LOOP
        if self.place is not Place.WORKER_THREAD:
            return compiled
        if compiled.awaits:
            return self._awaits_nowhere()
        return self._execute(compiled)

    def _awaits_nowhere(self) -> EvaluationResult:
        error = SyntaxError("'await' needs the place EVENT_LOOP")
        return self._raised(EvaluationOutcome.INVALID_SOURCE, error)

    def _hand_over(self, compiled: Compiled) -> None:
        """Hand the code over to the event loop or the main thread."""
        self._handed_over = True
        try:
            if self.place is Place.MAIN_THREAD:
                executor = self._places.main_thread_executor
                assert executor is not None
                executor(partial(self._run_in_main_thread, compiled))
                return
            self._loop = self._places.find_loop()
            if self._loop is None:
                raise RuntimeError(NO_LOOP)
            self._loop.call_soon_threadsafe(self._begin_on_loop, compiled)
        except BaseException as error:
            # The application's executor may raise any exception.
            if self._withdraw():
                self._finish(self._raised(EvaluationOutcome.NOT_STARTED, error))

    def _take_up(self) -> bool:
        """Whether to begin. False after a timeout, and false the second time."""
        with self._lock:
            taken, self._handed_over = self._handed_over, None
            return bool(taken) and not self._ended

    def _withdraw(self) -> bool:
        """Cancel the hand-over. False if the code is not waiting to begin."""
        return self._take_up()

    # ---- where it runs ---------------------------------------------------------------

    def _run_in_main_thread(self, compiled: Compiled) -> None:
        if not self._take_up():
            return
        if threading.current_thread() is not threading.main_thread():
            error = RuntimeError("the application's executor did not call it in the main thread")
            self._finish(self._raised(EvaluationOutcome.NOT_STARTED, error))
            return
        if compiled.awaits:
            self._finish(self._awaits_nowhere())
            return
        self._finish(self._section.run(lambda: self._execute(compiled), self._otherwise))

    def _begin_on_loop(self, compiled: Compiled) -> None:
        if self._take_up():
            assert self._loop is not None
            self._task = self._loop.create_task(
                self._drive(compiled), name="ops_service-evaluation"
            )

    async def _drive(self, compiled: Compiled) -> None:
        result: EvaluationResult | None = None
        try:
            result = await _Steps(self._section, self._execute_async(compiled), self._otherwise)
        finally:
            self._finish(result or EvaluationResult(self._stopped or EvaluationOutcome.INTERRUPTED))

    def _execute(self, compiled: Compiled) -> EvaluationResult:
        names = self._console.globals
        try:
            if compiled.statements is not None:
                exec(compiled.statements, names)
            if compiled.expression is None:
                return EvaluationResult(EvaluationOutcome.COMPLETED)
            return self._completed(eval(compiled.expression, names))
        except BaseException as error:
            return self._otherwise(error)

    async def _execute_async(self, compiled: Compiled) -> EvaluationResult:
        names = self._console.globals
        value = None
        try:
            for code in (compiled.statements, compiled.expression):
                if code is not None:
                    value = eval(code, names)
                    if code.co_flags & CO_COROUTINE:
                        value = await value
            if compiled.expression is None:
                return EvaluationResult(EvaluationOutcome.COMPLETED)
            return self._completed(value)
        except GeneratorExit:
            # The loop was closed. Code that raises this itself gets the same result.
            return EvaluationResult(self._stopped or EvaluationOutcome.INTERRUPTED)
        except BaseException as error:
            return self._otherwise(error)

    def _completed(self, value: object) -> EvaluationResult:
        if value is None:
            return EvaluationResult(EvaluationOutcome.COMPLETED, plain=Plain(None))
        self._console.remember(value)
        text, truncated = bounded_repr(value, self._bounds.result_limit)
        plain = plain_copy(value, self._bounds.result_limit)
        return EvaluationResult(EvaluationOutcome.COMPLETED, text, truncated, plain)

    def _otherwise(self, error: BaseException) -> EvaluationResult:
        interrupted = self._section.interrupted and isinstance(error, EvaluationInterrupted)
        if self._stopped is not None and (interrupted or isinstance(error, asyncio.CancelledError)):
            return EvaluationResult(self._stopped)
        try:
            return self._raised(EvaluationOutcome.RAISED, error)
        except EvaluationInterrupted:
            raise
        except BaseException:
            # Describing the exception failed too, for lack of memory.
            return EvaluationResult(
                EvaluationOutcome.RAISED, exception=Raised(type_name(type(error)), "", "")
            )

    def _raised(
        self, outcome: EvaluationOutcome, error: BaseException, *, source_incomplete: bool = False
    ) -> EvaluationResult:
        raised = describe(error, self._console, self._bounds.result_limit)
        return EvaluationResult(outcome, exception=raised, source_incomplete=source_incomplete)


class _Steps:
    """Runs a coroutine on a loop. Only its steps can be interrupted, nothing else there."""

    def __init__(
        self,
        section: InterruptibleSection,
        coroutine: Any,
        otherwise: Callable[[BaseException], EvaluationResult],
    ) -> None:
        self._section = section
        self._coroutine = coroutine
        self._otherwise = otherwise

    def __await__(self) -> Generator[Any, Any, EvaluationResult]:
        step: Callable[[], Any] = partial(self._coroutine.send, None)
        while True:
            ended, value = self._section.run(partial(self._take, step), self._cut_short)
            if ended:
                self._coroutine.close()
                assert isinstance(value, EvaluationResult)
                return value
            try:
                sent = yield value
            except BaseException as error:
                # The task was cancelled, or the loop closed.
                step = partial(self._coroutine.throw, error)
            else:
                step = partial(self._coroutine.send, sent)

    @staticmethod
    def _take(step: Callable[[], Any]) -> tuple[bool, Any]:
        try:
            return False, step()
        except StopIteration as end:
            return True, end.value

    def _cut_short(self, error: BaseException) -> tuple[bool, Any]:
        return True, self._otherwise(error)
