"""When the samples of a watch are due."""

from __future__ import annotations

import math
import time

MAX_OVERTIME_SECONDS = 30.0
"""How much longer a watch may last if samples came late."""


class SampleSchedule:
    """Due times of the samples of one watch.

    They are fixed at the beginning, so they do not drift. On a machine that is short of CPU
    time, samples come late. Then the watch lasts longer instead of ending without enough
    samples for a verdict. The extra time is bounded, and the client allows for it. Samples
    that were due while the process was paused are skipped.
    """

    def __init__(self, interval: float, duration: float = math.inf) -> None:
        """
        Args:
            interval: Seconds between samples.
            duration: Seconds from the first sample to the last; without it, there is no last.
        """
        self._interval = interval
        # A count of samples, so that rounding loses none at the end.
        self._left = int(duration / interval + 1e-9) + 1 if duration < math.inf else math.inf
        self._due = time.monotonic() - interval
        self._end = time.monotonic() + duration + MAX_OVERTIME_SECONDS

    def next_delay(self) -> float | None:
        """Seconds until the next sample is due; None after the last one."""
        now = time.monotonic()
        self._due = max(self._due + self._interval, now)
        if self._left == 0 or self._due > self._end:
            return None
        self._left -= 1
        return self._due - now
