"""Heap snapshots of the running process, taken by a forked child."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from ops_service.errors import EngineUnavailable
from ops_service.heap.engine import engine_status
from ops_service.heap.model import CaptureOptions, CaptureStart, CaptureSummary


class Capture:
    """One running capture. Use it as a context manager and iterate over it once.

    Iteration yields serialized ``CaptureHeapSnapshotResponse`` messages that hold
    batches, without length prefixes. It blocks, so it belongs into a worker thread.
    Leaving the context kills the child if it still runs.

    Attributes:
        start: Facts known as soon as the child runs.
    """

    start: CaptureStart

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cancel()

    def __iter__(self) -> Iterator[bytes]:
        raise NotImplementedError

    @property
    def summary(self) -> CaptureSummary:
        """The figures of the finished walk. Only valid after iteration ended."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Kill the child. Safe from any thread, at any time, more than once."""


def start_capture(options: CaptureOptions) -> Capture:
    """Clone the process and begin to walk its heap in the child.

    Blocks for the wait that ``gc_moment`` asks for, then for the clone.

    Raises:
        EngineUnavailable, Busy, InsufficientMemory, CloneRefused, GcMomentMissed;
        while iterating: WalkFailed, WalkTimeout, Cancelled.
    """
    raise EngineUnavailable(engine_status().reason)
