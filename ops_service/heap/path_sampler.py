"""Takes growth samples: forks a child that counts by path, and reads what changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ops_service.errors import EngineUnavailable
from ops_service.heap import cgroup, headroom, slots
from ops_service.heap.child import WalkBounds, WalkChild, WalkKind
from ops_service.heap.engine import engine_status
from ops_service.heap.model import CensusOptions
from ops_service.heap.paths import PathNames, PathSample
from ops_service.heap.site_probe import site_probe
from ops_service.heap.spending import cpu_rate
from ops_service.heap.walker import walker

if TYPE_CHECKING:
    from ops_service.heap._walker import PathTable

_DEFAULTS = CensusOptions()


@dataclass(frozen=True, slots=True)
class TakenSample:
    """A sample, and how it was taken."""

    started: float
    """Unix time of the clone."""
    pause: float
    """Seconds that the process stood still."""
    names: PathNames
    """Another object when the table was made anew, and its numbers mean others."""
    paths: PathSample
    child_lifetime: float
    child_cpu_time: float
    child_table_bytes: int
    warnings: tuple[str, ...]


class PathSampler:
    """Samples of one process, each told as changes since the one before.

    The table of paths is memory that the children share, at most 58 MiB of it; it
    goes back to the system with the sampler.
    """

    def __init__(self, options: CensusOptions = _DEFAULTS) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._table: PathTable | None = None
        self._names = PathNames()
        self._read = 0

    def take(self, cancelled: Callable[[], bool] = lambda: False) -> TakenSample:
        """Take a sample. Blocks until it is whole; one at a time.

        The first one has no changes: it is what the next is compared with. One that
        failed changes nothing, so the next tells what it would have told; unless its
        child had written it whole when it was given up. Then the next is a first one.

        Raises:
            EngineUnavailable, InsufficientMemory, CloneRefused, WalkFailed,
            WalkTimeout, Cancelled.
        """
        status = engine_status()
        if not status.available:
            raise EngineUnavailable(status.reason)
        with self._lock:
            slots.take(slots.GROWTH)
            try:
                return self._walk(cancelled)
            finally:
                slots.give_back(slots.GROWTH)

    def _walk(self, cancelled: Callable[[], bool]) -> TakenSample:
        # A sample that a child wrote and nobody read had names that are told once.
        if self._table is None or self._table.broken or self._table.samples != self._read:
            self._table = walker.path_table()
            self._names = PathNames()
            self._read = 0
        _, probe = site_probe()
        child = WalkChild().start(WalkKind.GROWTH, self._bounds(), self._table, probe)
        try:
            output = bytearray()
            while data := child.read(cancelled):
                output += data
            end = child.finish()
            paths = self._names.read(bytes(output))
            self._read += 1
        finally:
            child.close()
        return TakenSample(
            started=child.started,
            pause=child.pause,
            names=self._names,
            paths=paths,
            child_lifetime=end.lifetime,
            child_cpu_time=end.cpu_time,
            child_table_bytes=end.report["mapped_peak"],
            warnings=end.warnings(),
        )

    def _bounds(self) -> WalkBounds:
        options = self._options
        cost = headroom.estimate()
        room = headroom.headroom(options.cgroup_root)
        reserved = slots.reserved_by_others(slots.GROWTH)
        table_bytes = headroom.admit(cost.growth, reserved, room, cost, "growth sample")
        quota = cgroup.cpu_quota(options.cgroup_root)
        slots.reserve(slots.GROWTH, cost.growth)
        return WalkBounds(
            lifetime=options.lifetime_limit,
            table_bytes=table_bytes,
            copied_bytes=headroom.copied_limit(reserved, room, cost),
            memory=room.bounds,
            cpu_rate=cpu_rate(quota, options.cpu_share),
        )
