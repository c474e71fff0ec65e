"""Calls functions at their time, in one daemon thread that lives while calls wait."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

# Keep the thread for this time: a new thread for each evaluation costs more than the
# bookkeeping of its time limit. An idle process still has no thread.
_IDLE_SECONDS = 10.0


class Timer:
    """A pending call. Safe from any thread."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], None]) -> None:
        self.function: Callable[[], None] | None = function

    def cancel(self) -> None:
        """Cancel the call, unless it has begun."""
        self.function = None


class Timers:
    """Timers that share a thread. The functions must be short and raise nothing."""

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.Lock())
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._runs = False

    def call_later(self, seconds: float, function: Callable[[], None]) -> Timer:
        """Call a function in the timers' thread.

        Raises:
            RuntimeError: The system refused the thread.
        """
        timer = Timer(function)
        with self._condition:
            heapq.heappush(self._heap, (time.monotonic() + seconds, next(self._numbers), timer))
            starts, self._runs = not self._runs, True
            if self._heap[0][2] is timer:
                self._condition.notify()
        if starts:
            try:
                threading.Thread(target=self._run, name="ops_service-timers", daemon=True).start()
            except RuntimeError:
                self._runs = False
                raise
        return timer

    def _run(self) -> None:
        while (function := self._next()) is not None:
            function()

    def _next(self) -> Callable[[], None] | None:
        """Wait for the next function that is due. None after an idle period."""
        idle_since = time.monotonic()
        with self._condition:
            while True:
                now = time.monotonic()
                while self._heap and self._heap[0][2].function is None:
                    heapq.heappop(self._heap)
                if self._heap and self._heap[0][0] <= now:
                    function = heapq.heappop(self._heap)[2].function
                    if function is not None:
                        return function
                elif self._heap:
                    self._condition.wait(self._heap[0][0] - now)
                    idle_since = time.monotonic()
                elif now - idle_since >= _IDLE_SECONDS:
                    self._runs = False
                    return None
                else:
                    self._condition.wait(_IDLE_SECONDS - (now - idle_since))
