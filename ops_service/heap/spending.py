"""CPU time that the service's own threads take to pass a walk's output on.

Within a CPU quota that time comes out of the same pot as the child's and the
application's, so the child is told of it and counts it against the share.
"""

from __future__ import annotations

import time

from ops_service.heap.cgroup import CpuQuota
from ops_service.heap.own import own_threads

_COUNTED = 0.7
"""How much of a share is planned with. The rest is for what is not counted: pages that
the application has to copy, gRPC's own threads, the end of the child, and above all
that two processors which share a core slow each other down, so that the application
gets less done in the time that it keeps."""

_THREAD_CLOCK = 0b110
"""CPU time of one thread, in the low bits of a Linux clock id."""


def cpu_rate(quota: CpuQuota, share: float) -> float:
    """CPU seconds a second that a child and the service's threads may take together;
    0 where there is no quota."""
    return quota.cpus * share * _COUNTED


class Spending:
    """Seconds of CPU time that the service's threads take from now on.

    Threads that gRPC keeps for itself have no name that tells them from the
    application's and are not counted.
    """

    def __init__(self) -> None:
        self._before = _thread_times()
        self._ended = 0.0
        self._last: dict[int, float] = {}

    def seconds(self) -> float:
        """How much it is so far. Costs a system call a thread."""
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
