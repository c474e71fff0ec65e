"""The parent's side of a walking child: its pipe, its end and its report.

Other children that the host forks may hold a copy of the pipe, so end of file may
never come. A read therefore also checks whether the child has ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Self

from ops_service.errors import (
    Cancelled,
    CloneRefused,
    InsufficientMemory,
    OpsServiceError,
    WalkFailed,
    WalkTimeout,
)
from ops_service.heap import pause
from ops_service.heap.arrays import learn_arrays
from ops_service.heap.clone_refusal import clone_refused
from ops_service.heap.growth_sample import OtherInterpreters
from ops_service.heap.headroom import MemoryBound
from ops_service.heap.own import is_own, own_objects
from ops_service.heap.spending import Spending
from ops_service.heap.walker import walker
from ops_service.log import Log

if TYPE_CHECKING:
    from ops_service.heap._walker import Child, PathTable

_PIPE_BYTES = 1 << 20
_READ_BYTES = 1 << 18
_POLL_MS = 50
_LOG = Log()

_LEFT_OUT = {
    walker.LEFT_OUT_THREADS: (
        "The stacks of {} threads are left out: a walk reads up to 4,096 threads."
    ),
    walker.LEFT_OUT_FRAMES: (
        "{} frames, or exceptions that are being handled, are left out: a walk reads the 200,000 "
        "most recent ones of each thread."
    ),
    walker.LEFT_OUT_CALLBACKS: ("{} callbacks of atexit are left out: a walk reads up to 100,000."),
    walker.LEFT_OUT_PART_NAMES: (
        "{} references of objects with more than 1,024 named parts have no name."
    ),
    walker.LEFT_OUT_SITES: (
        "{} objects have no allocation site: a walk records up to a million lines."
    ),
}
"""Warning for each bound of the walk that left something out."""


_OTHERS_OWN_GIL = (
    "Interpreters that are left out, because each has its own GIL and ran on during the clone: {}."
)
_OTHERS_UNREADY = "Interpreters that are left out, because they were being created or ended: {}."
_OTHERS_UNKNOWN = (
    "Some interpreters may be left out: their list was being changed during the clone."
)


class WalkKind(IntEnum):
    """The kind of walk; each member documents its `detail` argument."""

    SNAPSHOT = walker.WALK_SNAPSHOT
    """Maximum number of objects, content level, content limit, whether to hash strings."""
    CENSUS = walker.WALK_CENSUS
    """No detail."""
    GROWTH = walker.WALK_GROWTH
    """The `PathTable`."""
    REFERRERS = walker.WALK_REFERRERS
    """An id or 0, the name of a type, and the time limit of the search in seconds."""
    PROOF = walker.WALK_PROOF
    """The objects that the parent planted, in the order of the PLANT_ numbers."""


@dataclass(frozen=True, slots=True)
class WalkBounds:
    """Resource limits of a child."""

    lifetime: float
    """Seconds until it is killed."""
    table_bytes: int
    """Maximum bytes of its own tables."""
    copied_bytes: int = 0
    """Maximum bytes that copy-on-write may duplicate because of it; 0 for no bound."""
    memory: tuple[MemoryBound, ...] = ()
    """Memory that must stay free for everything else."""
    cpu_rate: float = 0.0
    """CPU seconds per second, of the child and of the code that forwards its output
    together; 0 for no bound."""


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """How a child ended. Times in seconds."""

    status: int
    signal: int
    lifetime: float
    cpu_time: float
    report: dict[str, Any]

    @property
    def other_interpreters(self) -> OtherInterpreters:
        """Interpreters beside that of the service."""
        read, own_gil, unready, unknown = self.report["others"]
        left_out = own_gil + unready
        return OtherInterpreters(exist=read + left_out + unknown > 0, unread=left_out + unknown > 0)

    def warnings(self) -> tuple[str, ...]:
        """Data that the walk skipped because reading it faulted, data that a bound of the
        walk left out, and interpreters that it cannot read. One sentence each."""
        faulted = (
            f"References to something that is not an object, or is not readable: {count}."
            if name == walker.UNREADABLE
            else f"Type {name} faulted when it was read; references of its instances are unknown."
            for name, count in Counter(self.report["opaque"]).items()
        )
        cut = (
            _LEFT_OUT[what].format(count)
            for what, count in enumerate(self.report["left_out"])
            if count
        )
        _, own_gil, unready, unknown = self.report["others"]
        others = (
            text.format(count)
            for text, count in (
                (_OTHERS_OWN_GIL, own_gil),
                (_OTHERS_UNREADY, unready),
                (_OTHERS_UNKNOWN, unknown),
            )
            if count
        )
        return (*faulted, *cut, *others)


class WalkChild:
    """A walking child, from its clone to its end.

    Attributes:
        pause: Seconds that the GIL was held for the clone.
        started: Unix time of the clone.
    """

    def start(
        self,
        kind: WalkKind,
        bounds: WalkBounds,
        resident: int,
        detail: tuple[object, ...] | PathTable | None = None,
        site: tuple[object, str, int] | None = None,
    ) -> Self:
        """Clone the process.

        Not part of the constructor: C code calls a constructor, and the objects that the C
        code holds during the call would be in the snapshot.

        Args:
            kind: The kind of walk.
            bounds: Resource limits of the child.
            resident: Current resident bytes of the process.
            detail: The arguments of this kind of walk, see `WalkKind`.
            site: An object, and its allocation site (file, line) as tracemalloc reports it.
        """
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._end: ChildEnd | None = None
        self._cancelled = False
        self._spending = Spending() if bounds.cpu_rate > 0 else None
        names = thread_names()
        learn_arrays()
        self._read_fd, write_fd = _open_pipe()
        try:
            self.started = time.time()
            self._begin = time.monotonic()
            self._child: Child = walker.start(
                kind=kind,
                output=write_fd,
                bounds=(
                    bounds.lifetime,
                    bounds.table_bytes,
                    bounds.copied_bytes,
                    bounds.cpu_rate,
                    bounds.memory,
                ),
                roots=((sys.__dict__, "sys"),),
                own=own_objects(),
                threads=names,
                site=site,
                detail=detail,
            )
        except OSError as error:
            os.close(self._read_fd)
            raise clone_refused(error) from error
        except BaseException:
            os.close(self._read_fd)
            raise
        finally:
            os.close(write_fd)
        self.pause = self._child.pause
        pause.note(self.pause, resident)
        return self

    def read(self, cancelled: Callable[[], bool] | None = None) -> bytes:
        """Wait for output. Return b"" once the child has ended and all output is read."""
        poll = select.poll()
        poll.register(self._read_fd, select.POLLIN)
        if self._child.pidfd >= 0:
            poll.register(self._child.pidfd, select.POLLIN)
        ended = False
        if self._spending is not None:
            self._child.spend(self._spending.seconds())
        while True:
            if cancelled is not None and cancelled():
                self.cancel()
            poll.poll(0 if ended else _POLL_MS)
            try:
                return os.read(self._read_fd, _READ_BYTES)
            except BlockingIOError:
                if ended:
                    return b""
                ended = self._reap(block=False)

    def ended(self) -> bool:
        """Whether the child has ended, even if some of its output is still unread."""
        return self._reap(block=False)

    def cancel(self) -> None:
        """Kill the child. Safe from any thread, at any time, more than once."""
        with self._lock:
            if self._end is None and os.getpid() == self._owner:
                self._cancelled = True
                self._child.kill()

    def close(self) -> None:
        """Kill the child if it still runs, reap it, and close the pipe."""
        self.cancel()
        self._reap(block=True)
        with self._lock:
            fd, self._read_fd = self._read_fd, -1
            self._child.close()
        if fd >= 0:
            os.close(fd)

    def finish(self) -> ChildEnd:
        """Wait for the child to end.

        Raises:
            Cancelled, WalkTimeout, InsufficientMemory, WalkFailed: The walk was not
                completed.
        """
        self._reap(block=True)
        end = self._end
        assert end is not None
        if end.status != walker.STATUS_DONE:
            raise self._failure(end)
        return end

    @property
    def end(self) -> ChildEnd | None:
        """How the child ended; None until it is reaped."""
        return self._end

    def _reap(self, *, block: bool) -> bool:
        with self._lock:
            if self._end is not None:
                return True
            try:
                ended = self._child.wait(block)
                if ended is None:
                    return False
                killed_by, cpu = ended
            except ChildProcessError:
                # The host waited for every child with __WALL and reaped this one.
                killed_by, cpu = 0, 0.0
            report = self._child.report()
            self._end = ChildEnd(
                status=report["status"],
                signal=killed_by,
                lifetime=time.monotonic() - self._begin,
                cpu_time=cpu,
                report=report,
            )
            return True

    def _failure(self, end: ChildEnd) -> OpsServiceError:
        if self._cancelled:
            return Cancelled("The walk was cancelled.")
        if end.signal == signal.SIGALRM:
            return WalkTimeout(
                "The walking child reached its time limit and was killed. The usual reason is a "
                "slow reader, or little CPU time: within a CPU quota, a walk uses only cpu_share "
                "of it. To raise the limit, set lifetime_limit_seconds in [heap].",
                retry_after=5.0,
            )
        if end.status in (walker.STATUS_OUT_OF_MEMORY, walker.STATUS_MEMORY_BOUND):
            used = end.report["mapped_peak"]
            return InsufficientMemory(
                f"The walking child ended itself: its tables reached {used} bytes, the share of "
                "the free memory that it may use. A summary needs far less memory."
            )
        if end.status == walker.STATUS_PRESSURE:
            return InsufficientMemory(
                "The walking child ended itself: memory was running out, and the application needs "
                "the rest. A summary needs far less memory than a snapshot.",
                retry_after=30.0,
            )
        if end.status == walker.STATUS_COPIED:
            return InsufficientMemory(
                "The walking child ended itself: the process writes to so much of its memory that "
                f"{end.report['copied'] >> 20} MiB existed twice, more than the share of the free "
                "memory that may be copied. A summary takes less time than a snapshot. A faster "
                "reader also shortens the walk.",
                retry_after=30.0,
                details={"copied_bytes": str(end.report["copied"])},
            )
        opaque = end.report["opaque"]
        if end.status == walker.STATUS_FAULT:
            # The address is for the operators of this process only: log it, do not return it.
            _LOG.warning(
                "the walking child faulted: signal %d at %#x in phase %d, after %d objects; %s",
                end.report["error_number"],
                end.report["fault_address"],
                end.report["fault_phase"],
                end.report["objects"],
                ", ".join(opaque),
            )
            read = opaque and end.report["fault_phase"] != walker.PHASE_NONE
            where = f"while it read an object of type {opaque[-1]}" if read else "between objects"
            return WalkFailed(
                f"The walking child faulted {where}. The process itself is unharmed.",
                details={"type_name": opaque[-1]} if read else {},
            )
        if end.signal == signal.SIGKILL:
            return WalkFailed(
                "The walking child was killed from outside, most likely because memory ran out. "
                "The process itself is unharmed.",
                retry_after=10.0,
            )
        return WalkFailed(
            "The walking child ended before its walk was complete "
            f"(status {end.status}, signal {end.signal}, error {end.report['error_number']}). "
            "The process itself is unharmed."
        )


def _open_pipe() -> tuple[int, int]:
    try:
        read_fd, write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise CloneRefused(
            f"The process could not open a pipe ({os.strerror(error.errno or 0)}). "
            "Check its limit on open files.",
            retry_after=10.0,
        ) from error
    # The kernel may refuse the size, e.g. beyond the user's limit. That only costs speed.
    with contextlib.suppress(OSError):
        fcntl.fcntl(read_fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return read_fd, write_fd


def thread_names() -> tuple[tuple[int, str, bool], ...]:
    """Identifier and name of each thread that Python knows, and whether the service
    started it."""
    return tuple(
        (
            thread.ident,
            str(thread.name).encode(errors="replace").replace(b"\0", b"").decode(),
            is_own(thread),
        )
        for thread in threading.enumerate()
        if thread.ident is not None
    )
