"""CPU time that the service's own threads use to forward a walk's output.

A CPU quota covers that time, the child's and the application's together. So the child gets
the figure and counts it against its share.
"""

from __future__ import annotations

import time

from ops_service.heap.cgroup import CpuQuota
from ops_service.heap.own import own_threads

_COUNTED = 0.7
"""Part of a share that may be spent. The rest covers costs that are not counted: pages that
the application has to copy, gRPC's own threads, and the end of the child. The largest of
them: two processors that share a core slow each other down, so the application gets less
done in its own time."""

_THREAD_CLOCK = 0b110
"""CPU time of one thread, in the low bits of a Linux clock id."""


def cpu_rate(quota: CpuQuota, share: float) -> float:
    """CPU seconds per second that a child and the service's threads may use together.

    0 without a quota.
    """
    return quota.cpus * share * _COUNTED


class Spending:
    """CPU seconds that the service's threads use from now on.

    Does not count gRPC's own threads: no name distinguishes them from the application's.
    """

    def __init__(self) -> None:
        self._before = _thread_times()
        self._ended = 0.0
        self._last: dict[int, float] = {}

    def seconds(self) -> float:
        """CPU seconds so far. Costs a system call for each thread."""
        now = _thread_times()
        for thread, spent in self._last.items():
            if thread not in now:
                self._ended += spent
        self._last = {
            thread: max(seconds - self._before.get(thread, 0.0), 0.0)
            for thread, seconds in now.items()
        }
        return self._ended + sum(self._last.values())


def _thread_times() -> dict[int, float]:
    times = {}
    for thread in own_threads():
        number = thread.native_id
        if number is None:
            continue
        try:
            # Not pthread_getcpuclockid, which may crash for a thread that has ended.
            times[number] = time.clock_gettime(~number << 3 | _THREAD_CLOCK)
        except OSError:
            continue
    return times
