"""Takes heap snapshots of the running process in a forked child."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import TracebackType

from ops_service.errors import Busy, WalkFailed
from ops_service.heap import cgroup, walk_slots
from ops_service.heap.admission import SNAPSHOT, admit, require_engine
from ops_service.heap.allocated import allocated_blocks
from ops_service.heap.child_handle import WalkChild
from ops_service.heap.gc_moment import at_moment
from ops_service.heap.headroom import resident_bytes
from ops_service.heap.model import (
    CaptureOptions,
    CaptureStart,
    CaptureSummary,
    Cut,
    GcMoment,
    Sites,
    WalkMode,
)
from ops_service.heap.site_probe import site_probe
from ops_service.varint import read_varint

_MESSAGE_MAX = 1 << 23
_BUSY_RETRY_SECONDS = 2.0


class Capture:
    """One running capture. Use it as a context manager and iterate over it once.

    Iteration yields serialized ``CaptureHeapSnapshotResponse`` messages that hold
    batches, as the child wrote them: each with its length before it. It blocks, so run
    it in a worker thread. Leaving the context kills the child if it still runs.

    Attributes:
        start: Facts that are known once the child runs.
    """

    def __init__(
        self,
        child: WalkChild,
        throttled: Callable[[], int],
        start: CaptureStart,
        max_objects: int = 0,
    ) -> None:
        self.start = start
        self._max_objects = max_objects
        self._throttled = throttled
        self._child = child
        self._summary: CaptureSummary | None = None
        self._closed = threading.Lock()

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        pending = bytearray()
        while data := self._child.read():
            pending += data
            position = 0
            while (head := _head(pending, position)) is not None:
                length, begin = head
                if length == 0:
                    self._finish()
                    return
                if len(pending) < begin + length:
                    break
                yield bytes(memoryview(pending)[position : begin + length])
                position = begin + length
            del pending[:position]
        self._finish()

    def _finish(self) -> None:
        end = self._child.finish()
        report = end.report
        self._summary = CaptureSummary(
            object_count=report["objects"],
            edge_count=report["edges"],
            type_count=report["types"],
            name_count=report["names"],
            total_size=report["total_size"],
            pause=self._child.pause,
            child_lifetime=end.lifetime,
            child_cpu_time=end.cpu_time,
            child_table_bytes=report["mapped_peak"],
            cut=self._cut(report),
            copied_bytes=report["copied"] if report["copied_known"] else None,
            cpu_throttled=self._throttled(),
            warnings=(*_warnings(report, self.start), *end.warnings()),
        )

    def _cut(self, report: dict[str, int]) -> Cut | None:
        if report["left_out_objects"] == 0:
            return None
        return Cut(self._max_objects, report["left_out_objects"], report["left_out_edges"])

    @property
    def summary(self) -> CaptureSummary:
        """Figures of the finished walk. Only valid after iteration has ended."""
        if self._summary is None:
            raise WalkFailed("The walk has not ended.")
        return self._summary

    def running(self) -> bool:
        """Whether the child still runs."""
        return not self._child.ended()

    def cancel(self) -> None:
        """Kill the child. Safe from any thread, at any time, more than once."""
        self._child.cancel()

    def close(self) -> None:
        """Kill the child if it still runs, and release the slot for the next capture."""
        if self._closed.acquire(blocking=False):
            self._child.close()
            walk_slots.give_back(SNAPSHOT.slot)


def _head(pending: bytearray, position: int) -> tuple[int, int] | None:
    """Length and start of the message whose length prefix is at `position`.

    None if the prefix is incomplete.
    """
    try:
        head = read_varint(pending, position)
    except ValueError:
        head = (_MESSAGE_MAX + 1, position)
    if head is not None and head[0] > _MESSAGE_MAX:
        raise WalkFailed("The walking child wrote a message of an impossible length.")
    return head


def start_capture(
    options: CaptureOptions, cancelled: Callable[[], bool] = lambda: False
) -> Capture:
    """Clone the process and start the heap walk in the child.

    Blocks for the wait that ``gc_moment`` requests, then for the clone.

    Args:
        options: Options of the request.
        cancelled: Polled during the wait for the garbage collector.

    Raises:
        PauseOverBudget, EngineUnavailable, Busy, InsufficientMemory, CloneRefused,
        GcMomentMissed, Cancelled; while iterating: WalkFailed, WalkTimeout, Cancelled,
        InsufficientMemory.
    """
    resident = resident_bytes()
    require_engine(resident)
    if not walk_slots.take(SNAPSHOT.slot):
        raise Busy("Another capture of this process is running.", retry_after=_BUSY_RETRY_SECONDS)
    with walk_slots.given_back_on_error(SNAPSHOT.slot):
        if options.gc_moment is GcMoment.NOW:
            return _begin(options, resident)
        return at_moment(
            options.gc_moment,
            options.gc_wait_limit,
            # Read the size again: the wait may be long, and a collection frees memory.
            lambda: _begin(options, resident_bytes()),
            cancelled,
        )


def _begin(options: CaptureOptions, resident: int) -> Capture:
    blocks = allocated_blocks()
    admitted = admit(SNAPSHOT, options, resident, options.max_objects)
    sites, probe = site_probe()
    contents = options.contents
    child = WalkChild().start(
        SNAPSHOT.kind,
        admitted.bounds,
        resident,
        (options.max_objects, contents.level, contents.limit, contents.hash_strings),
        probe,
    )
    return Capture(
        child,
        lambda: cgroup.cpu_quota(options.cgroup_root).throttled - admitted.quota.throttled,
        CaptureStart(
            capture_time=child.started,
            mode=WalkMode.FORKED,
            clone_pause=child.pause,
            allocated_blocks=blocks or 0,
            resident_bytes=resident,
            sites=sites,
            contents=options.contents,
        ),
        options.max_objects,
    )


def _warnings(report: dict[str, object], start: CaptureStart) -> Iterator[str]:
    if start.contents.hash_strings and not report["hashes_made"]:
        yield "Hashes are missing: the system gave the child no random key."
    if start.sites is Sites.INCLUDED and not report["sites_read"]:
        yield "Allocation sites are missing: the tables of tracemalloc could not be read."
    if report["left_out_objects"]:
        yield (
            f"The snapshot was cut: {report['left_out_objects']} objects that it refers to are "
            "left out, with everything behind them. It contains the objects nearest to the roots, "
            "and its paths from the roots are shortest paths. Its counts and sizes are lower "
            "bounds. It does not show all holders of an object, retained sizes, or garbage."
        )
    if report["unstable_ids"]:
        yield (
            f"{report['unstable_ids']} objects lie beyond the 32 GiB of addresses that ids can "
            "name and have the id 0."
        )
    if report["unnamed_past_bound"]:
        yield f"{report['unnamed_past_bound']} edges have no name: the table of names was full."
