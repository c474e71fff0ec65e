"""One evaluation: a thread that runs the code, and one that watches its time.

Threads: "ops_service-evaluation" compiles, runs and describes the result.
"ops_service-watch" interrupts it at its limit. Both are daemons, so neither
keeps the process from exiting.
"""

from __future__ import annotations

import enum
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, TracebackType

from ops_service.repl.interruption import EvaluationInterrupted, raise_in_thread
from ops_service.repl.namespace import Namespace
from ops_service.repl.output import OutputBuffer
from ops_service.repl.text import bounded_repr, cut, type_name

FILE_NAME = "<evaluation>"

# How long a stop may take before the evaluation counts as one that cannot be
# stopped, and how often it is asked meanwhile: code may swallow one request.
_STOP_SECONDS = 1.0
_REPEAT_SECONDS = 0.1


class Outcome(enum.Enum):
    """How an evaluation ended."""

    COMPLETED = "completed"
    RAISED = "raised"
    INVALID_SOURCE = "invalid_source"
    TIMED_OUT = "timed_out"
    STILL_RUNNING = "still_running"


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception, as bounded text."""

    type_name: str
    message: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Result:
    """How an evaluation ended, and with what."""

    outcome: Outcome
    value_repr: str = ""
    value_truncated: bool = False
    exception: Raised | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of one evaluation. Sizes count bytes of UTF-8."""

    time_limit: float
    """Seconds."""
    output_limit: int
    result_limit: int
    """For the value's text, and for each text of an exception."""


class Evaluation:
    """Code that runs, or ran, in a thread of its own. Started by `Evaluator`."""

    def __init__(
        self,
        *,
        evaluation_id: str,
        principal: str,
        source: str,
        bounds: Bounds,
        namespace: Namespace,
        on_change: Callable[[], None],
        on_end: Callable[[Evaluation], None],
    ) -> None:
        """
        Args:
            on_change: Called from a thread of the evaluation when there is
                output, and when `result` is there.
            on_end: Called from the evaluating thread as the last it does.
        """
        self.evaluation_id = evaluation_id
        self.principal = principal
        self.output = OutputBuffer(bounds.output_limit, on_change)
        self.past_time_limit = False
        self._source = source
        self._bounds = bounds
        self._namespace = namespace
        self._on_change = on_change
        self._on_end = on_end
        self._lock = threading.Lock()
        self._thread_id: int | None = None
        self._interruptible = False
        self._interrupted = False
        self._result: Result | None = None
        self._ended = threading.Event()
        self._stop_wanted = threading.Event()
        self._started = time.monotonic()
        self._seconds = 0.0

    def start(self) -> None:
        """Start both threads. RuntimeError if the system refuses one."""
        watch = threading.Thread(target=self._watch, name="ops_service-watch", daemon=True)
        watch.start()
        try:
            threading.Thread(target=self._run, name="ops_service-evaluation", daemon=True).start()
        except RuntimeError:
            self._ended.set()
            self._stop_wanted.set()
            raise

    @property
    def result(self) -> Result | None:
        """How it ended. None while it runs within its time."""
        return self._result

    @property
    def elapsed(self) -> float:
        """Seconds that it has been running, or ran."""
        return self._seconds if self._ended.is_set() else time.monotonic() - self._started

    def stop(self) -> None:
        """Let it end as at its time limit, without waiting for that."""
        self._stop_wanted.set()

    def _watch(self) -> None:
        self._stop_wanted.wait(self._bounds.time_limit)
        limit = time.monotonic() + _STOP_SECONDS
        while not self._ended.is_set() and time.monotonic() < limit:
            self._interrupt()
            self._ended.wait(_REPEAT_SECONDS)
        with self._lock:
            if self._result is not None:
                return
            self.past_time_limit = True
            self._result = Result(Outcome.STILL_RUNNING)
        self._on_change()

    def _interrupt(self) -> None:
        with self._lock:
            if self._interruptible and self._thread_id is not None:
                self._interrupted = True
                raise_in_thread(self._thread_id, EvaluationInterrupted)

    def _run(self) -> None:
        self._thread_id = threading.get_ident()
        # An interruption may arrive on the way out as well, between any two
        # instructions; then the way out is taken once more.
        result: Result | None = None
        while True:
            try:
                result = result or self._evaluate()
                self._become_uninterruptible()
                break
            except EvaluationInterrupted:
                result = result or Result(Outcome.TIMED_OUT)
            except BaseException as error:
                # Describing an exception failed in turn, for want of memory.
                name = type_name(type(error))
                result = result or Result(Outcome.RAISED, exception=Raised(name, "", ""))
        self._seconds = time.monotonic() - self._started
        with self._lock:
            changed = self._result is None
            self._result = self._result or result
        self._ended.set()
        self._stop_wanted.set()
        if changed:
            self._on_change()
        self._on_end(self)

    def _become_uninterruptible(self) -> None:
        with self._lock:
            self._interruptible = False
            if self._interrupted:
                # One that was asked for and has not come yet must not come later.
                raise_in_thread(threading.get_ident(), None)

    def _evaluate(self) -> Result:
        try:
            with self._namespace.route_output(self.output):
                with self._lock:
                    self._interruptible = True
                return self._run_source()
        except EvaluationInterrupted as error:
            if self._interrupted:
                return Result(Outcome.TIMED_OUT)
            return self._raised(Outcome.RAISED, error)
        except BaseException as error:
            return self._raised(Outcome.RAISED, error)

    def _run_source(self) -> Result:
        sys.audit("ops_service.evaluate", self.evaluation_id, self.principal, self._source)
        try:
            code, is_expression = _compile(self._source)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
            return self._raised(Outcome.INVALID_SOURCE, error)
        names = self._namespace.make_globals()
        if not is_expression:
            exec(code, names)
            return Result(Outcome.COMPLETED)
        value = eval(code, names)
        if value is None:
            return Result(Outcome.COMPLETED)
        text, truncated = bounded_repr(value, self._bounds.result_limit)
        return Result(Outcome.COMPLETED, text, truncated)

    def _raised(self, outcome: Outcome, error: BaseException) -> Result:
        limit = self._bounds.result_limit
        name = cut(type_name(type(error)), limit)[0]
        try:
            message = cut(str(error), limit)[0]
        except EvaluationInterrupted:
            raise
        except BaseException as second:
            message = f"<its text raised {type_name(type(second))}>"
        try:
            text = "".join(
                traceback.format_exception(type(error), error, _own_frames(error.__traceback__))
            )
        except EvaluationInterrupted:
            raise
        except BaseException as second:
            text = f"<its traceback raised {type_name(type(second))}>"
        return Result(outcome, exception=Raised(name, message, cut(text, limit)[0]))


def _compile(source: str) -> tuple[CodeType, bool]:
    """Compile an expression, or else statements, and tell which it was."""
    try:
        return compile(source, FILE_NAME, "eval", dont_inherit=True), True
    except SyntaxError:
        return compile(source, FILE_NAME, "exec", dont_inherit=True), False


def _own_frames(frames: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames of this module."""
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return frames
