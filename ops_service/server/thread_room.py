"""Checks that the system allows the threads that a port needs.

gRPC ends the process by SIGABRT if it cannot start a thread, so this check runs
before gRPC starts.
"""

from __future__ import annotations

import _thread
import os
import resource
import threading
import time
from pathlib import Path

from ops_service.errors import StartError
from ops_service.heap.cgroup import read_number, task_limits

# gRPC's thread pool: one thread per processor, within these bounds (grpcio 1.62 to 1.85).
_POOL = (4, 16)

# gRPC's other threads and the port's permanent ones: 9 with grpcio 1.62, 6 with 1.85.
_OTHERS = 9

RESERVE = 8
"""Threads that must remain for the application, and for gRPC under load."""

_LEAVE_SECONDS = 1.0


def threads_needed() -> int:
    """The maximum number of threads that a port starts while it opens."""
    try:
        processors = os.sysconf("SC_NPROCESSORS_CONF")
    except (OSError, ValueError):
        processors = os.cpu_count() or 1
    least, most = _POOL
    return min(max(processors, least), most) + _OTHERS


def refuse_without_room() -> None:
    """Raise StartError unless the threads of a port and a reserve can be started.

    Starts that many threads for a moment, since not all limits are visible. A container
    cannot see its pod's limit, or the threads of other processes of the same user.
    Costs about 3 ms.
    """
    wanted = threads_needed() + RESERVE
    found = _try(wanted)
    if found < wanted:
        raise StartError(
            f"The port needs room for {wanted} threads, {RESERVE} of them in reserve, and the "
            f"system allows {found} more{_limits()}. Raise the limit on processes (pids.max of "
            "the control group, podPidsLimit, ulimit -u), or let the application start fewer."
        )


def _try(wanted: int) -> int:
    """Start up to this many threads at once, and return how many started.

    All of them end before it returns.
    """
    started: list[int] = []
    end, ended = threading.Event(), threading.Semaphore(0)

    def wait() -> None:
        started.append(threading.get_native_id())
        end.wait()
        ended.release()

    count = 0
    try:
        for _ in range(wanted):
            _thread.start_new_thread(wait, ())
            count += 1
    except (RuntimeError, MemoryError):
        pass
    finally:
        end.set()
        for _ in range(count):
            ended.acquire()
    # The system still counts a thread for some microseconds after its last line.
    limit = time.monotonic() + _LEAVE_SECONDS
    while any(os.path.exists(f"/proc/self/task/{each}") for each in started):
        if time.monotonic() > limit:
            break
        time.sleep(0.0002)
    return count


def _limits() -> str:
    """The known limits, for a message."""
    told = [f"{limit.path} is {limit.most} and {limit.used} are in use" for limit in task_limits()]
    of_user, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if of_user != resource.RLIM_INFINITY:
        told.append(f"RLIMIT_NPROC is {of_user}")
    if (of_all := read_number(Path("/proc/sys/kernel/threads-max"))) is not None:
        told.append(f"kernel.threads-max is {of_all}")
    return f" ({'; '.join(told)})" if told else ""
