"""Where memory is allocated: tracemalloc, for a window of time.

While it runs, each allocation of the application costs several times as much. So the
window switches it off on every exit. It reports what was allocated in the window and
is still alive at its end, not what was freed in between.

Where a second interpreter exists, tracemalloc hangs or crashes the process: on 3.11 and
3.12.1 when one is created while it traces, later up to 3.14 when one ends
(python/cpython#134604, #144172, #146089). Even to read its traces is to hold strings of an
interpreter that may end. So it is refused there, and switched off unread when one appears.
"""

from __future__ import annotations

import os
import threading
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ops_service.errors import Busy, Cancelled, TracingUnavailable
from ops_service.process.interpreters import others_exist

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_TOLD_EVERY_SECONDS = 1.0
_LOOK_SECONDS = 0.05
# Traces to add up before the host gets a chance to run.
_SLICE = 2000

Traceback = tuple[tuple[str, int], ...]
"""File and line of each frame, innermost first, as tracemalloc reports them."""


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """Options of one window."""

    seconds: float
    frame_limit: int
    """Frames to keep of each allocation. More frames cost more."""
    site_limit: int
    memory_limit: int
    """Bytes that tracing itself may use. The window ends when it uses more."""
    include_own: bool
    """Whether to report allocations of the service itself."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Tracing is on."""

    frame_limit: int
    already_tracing: bool
    """Whether the application traces itself. Then its frame limit applies."""


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """Progress within the window."""

    elapsed: float
    traced_bytes: int
    tracer_bytes: int
    """Bytes that tracing itself uses."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place whose allocations are alive at the end of the window."""

    traceback: Traceback
    size: int
    count: int
    size_difference: int
    count_difference: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The window is over."""

    elapsed: float
    traced_bytes: int
    peak_bytes: int
    tracer_bytes: int
    site_count: int
    pauses: tuple[float, ...]
    """Seconds for which each reading of the traces stopped the process."""
    still_tracing: bool
    """Whether tracing continues, because the application began it."""
    warnings: tuple[str, ...]


Part = Begun | Meanwhile | Site | Ended
_Sums = dict[Traceback, tuple[int, int]]


class AllocationTracer:
    """Windows of tracemalloc, one at a time. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = threading.Lock()
        self._ours = False

    def trace(self, options: TraceOptions, cancelled: threading.Event) -> Iterator[Part]:
        """Trace for a while, and report what was allocated.

        Raises:
            Busy: Another window is open.
            Cancelled: The caller went away.
            TracingUnavailable: The process has another interpreter, or got one meanwhile.
        """
        if not self._window.acquire(blocking=False):
            raise Busy("Another caller is tracing allocations; try again.", retry_after=5.0)
        try:
            yield from self._trace(options, cancelled)
        finally:
            self.switch_off()
            self._window.release()

    def switch_off(self) -> None:
        """Stop tracing, if this tracer began it."""
        with self._lock:
            if self._ours:
                self._ours = False
                tracemalloc.stop()

    def after_fork(self) -> None:
        """Stop tracing in a forked child, whose copy of the lock may be held."""
        self._lock = threading.Lock()
        self.switch_off()

    def _trace(self, options: TraceOptions, cancelled: threading.Event) -> Iterator[Part]:
        pauses: list[float] = []
        warnings: list[str] = []
        begun = self._begin(options.frame_limit)
        start = time.monotonic()
        # Subtracted: what the application had traced before.
        before: _Sums = _add_up(_read_traces(pauses), cancelled) if begun.already_tracing else {}
        yield begun
        told = start
        while (elapsed := time.monotonic() - start) < options.seconds:
            if cancelled.wait(min(_LOOK_SECONDS, options.seconds - elapsed)):
                raise Cancelled("The caller went away.")
            self._check_interpreters()
            tracer_bytes = tracemalloc.get_tracemalloc_memory()
            if tracer_bytes > options.memory_limit and not begun.already_tracing:
                warnings.append(
                    f"The window ended after {time.monotonic() - start:.1f} s, because tracing "
                    f"used {tracer_bytes} bytes of memory; raise memory_limit to allow more."
                )
                break
            if time.monotonic() - told >= _TOLD_EVERY_SECONDS:
                told = time.monotonic()
                traced, _ = tracemalloc.get_traced_memory()
                yield Meanwhile(told - start, traced, tracer_bytes)
        elapsed = time.monotonic() - start
        if not tracemalloc.is_tracing():
            warnings.append(
                "The application switched tracemalloc off within the window, so nothing is known."
            )
        self._check_interpreters()
        traced, peak = tracemalloc.get_traced_memory()
        tracer_bytes = tracemalloc.get_tracemalloc_memory()
        traces = _read_traces(pauses)
        # First, so that the allocations of the sum below are not traced.
        self.switch_off()
        sites = _sites(before, _add_up(traces, cancelled), include_own=options.include_own)
        yield from sites[: options.site_limit]
        yield Ended(
            elapsed=elapsed,
            traced_bytes=traced,
            peak_bytes=peak,
            tracer_bytes=tracer_bytes,
            site_count=len(sites),
            pauses=tuple(pauses),
            still_tracing=begun.already_tracing and tracemalloc.is_tracing(),
            warnings=tuple(warnings),
        )

    def _check_interpreters(self) -> None:
        if others_exist():
            # First, and without a look at the traces.
            self.switch_off()
            raise TracingUnavailable(
                "The application created another interpreter while allocations were traced. "
                "Tracing was stopped at once and its result dropped, because tracemalloc can "
                "crash such a process. Trace while there is a single interpreter."
            )

    def _begin(self, frame_limit: int) -> Begun:
        if others_exist():
            raise TracingUnavailable(
                "The process has more than one interpreter, and tracemalloc can crash it when "
                "one of them ends. Trace before the application creates others or after it has "
                "closed them, or watch heap growth instead."
            )
        with self._lock:
            if tracemalloc.is_tracing():
                return Begun(tracemalloc.get_traceback_limit(), already_tracing=True)
            tracemalloc.start(frame_limit)
            self._ours = True
            return Begun(frame_limit, already_tracing=False)


def _read_traces(pauses: list[float]) -> list[Any]:
    """Read all traces. Stops the process for about half a second per million traces."""
    begin = time.perf_counter()
    traces: Any = []
    if tracemalloc.is_tracing():
        # Not tracemalloc.take_snapshot, which would wrap each trace in another object.
        import _tracemalloc

        traces = _tracemalloc._get_traces()
    pauses.append(time.perf_counter() - begin)
    found: list[Any] = traces
    return found


def _add_up(traces: list[Any], cancelled: threading.Event) -> _Sums:
    """Sum bytes and blocks by traceback. Empties the list."""
    sums: _Sums = {}
    while traces:
        for _, size, traceback, *_ in traces[-_SLICE:]:
            held, count = sums.get(traceback, (0, 0))
            sums[traceback] = (held + size, count + 1)
        del traces[-_SLICE:]
        if cancelled.is_set():
            raise Cancelled("The caller went away.")
        time.sleep(0)
    return sums


def _sites(before: _Sums, after: _Sums, *, include_own: bool) -> list[Site]:
    """Sites with their differences, largest growth first."""
    found: list[Site] = []
    for traceback in after.keys() | before.keys():
        size, count = after.get(traceback, (0, 0))
        earlier_size, earlier_count = before.get(traceback, (0, 0))
        if (include_own or not _is_own(traceback)) and (size or earlier_size):
            found.append(Site(traceback, size, count, size - earlier_size, count - earlier_count))
    found.sort(key=lambda site: (-site.size_difference, -site.size))
    return found


def _is_own(traceback: Traceback) -> bool:
    # Any frame, since the innermost may belong to the library.
    return any(file.startswith(_PACKAGE) for file, _ in traceback)
