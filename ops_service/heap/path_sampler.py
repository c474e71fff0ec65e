"""Takes growth samples: forks a child that counts by path, and reads the changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ops_service.heap import walk_slots
from ops_service.heap.admission import GROWTH, require_engine, walk
from ops_service.heap.growth_sample import GrowthSample
from ops_service.heap.headroom import resident_bytes
from ops_service.heap.model import CensusOptions, WalkMode
from ops_service.heap.paths import PathNames
from ops_service.heap.site_probe import site_probe
from ops_service.heap.walker import walker

if TYPE_CHECKING:
    from ops_service.heap._walker import PathTable

_DEFAULTS = CensusOptions()


class PathSampler:
    """Samples of one process. Each reports the changes since the previous one.

    The children share the table of paths: up to 58 MiB of memory, released with the
    sampler.
    """

    def __init__(self, options: CensusOptions = _DEFAULTS) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._table: PathTable | None = None
        self._names = PathNames()
        self._read = 0

    def take(self, cancelled: Callable[[], bool] = lambda: False) -> GrowthSample:
        """Take a sample. Blocks until it is complete; one call at a time.

        The first sample is the baseline and has no changes. A failed sample changes
        nothing: the next one reports its changes too. Exception: if the child of the
        failed sample had already written all of it, the next sample is a new baseline.

        Raises:
            EngineUnavailable, InsufficientMemory, CloneRefused, WalkFailed,
            WalkTimeout, Cancelled.
        """
        resident = resident_bytes()
        require_engine(resident)
        with self._lock:
            walk_slots.take(GROWTH.slot)
            try:
                return self._walk(resident, cancelled)
            finally:
                walk_slots.give_back(GROWTH.slot)

    def _walk(self, resident: int, cancelled: Callable[[], bool]) -> GrowthSample:
        # A child writes each name once. If a sample was not read, its names are lost.
        if self._table is None or self._table.broken or self._table.samples != self._read:
            self._table = walker.path_table()
            self._names = PathNames()
            self._read = 0
        table = self._table
        _, probe = site_probe()
        walked = walk(GROWTH, self._options, resident, cancelled, detail=table, site=probe)
        paths = self._names.read(walked.output)
        self._read += 1
        return GrowthSample(
            time=walked.started,
            mode=WalkMode.FORKED,
            pause=walked.pause,
            names=self._names,
            paths=paths,
            others=walked.end.other_interpreters,
            warnings=walked.end.warnings(),
        )
