"""Growth samples of this process, shared by all watches."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from ops_service.errors import (
    Busy,
    Cancelled,
    CloneRefused,
    EngineUnavailable,
)
from ops_service.heap.arenas import arena_statistics
from ops_service.heap.growth_sample import (
    CollectorFigures,
    GrowthSample,
    MemoryFigures,
    OtherInterpreters,
)
from ops_service.heap.model import CensusOptions
from ops_service.heap.path_sampler import PathSampler
from ops_service.leaks.analysis import GrowthAnalysis
from ops_service.leaks.baselines import Baselines, Comparison
from ops_service.process.interpreters import others_exist
from ops_service.process.memory import read_memory
from ops_service.watch.fallback import CensusSampler

Result = TypeVar("Result")

MAX_WATCHES = 64

_POLL_SECONDS = 0.05
# Skip an allocator statistic once reading it exceeds this CPU time.
_STATISTIC_SECONDS = 0.01
# A watch can reuse a sample that is younger than this share of its interval.
_FRESH = 0.5


class GrowthSampling:
    """Takes samples for any number of watches, which share them.

    While there are no watches and no baselines, it holds no data.
    """

    def __init__(self, options: CensusOptions | None = None) -> None:
        self._options = options or CensusOptions()
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._watches: list[GrowthAnalysis] = []
        self._baselines = Baselines()
        self._sampler: PathSampler | None = None
        self._census: CensusSampler | None = None
        self._latest: GrowthSample | None = None
        self._memory = _MemoryReader()

    @contextmanager
    def joined(self, watch: GrowthAnalysis) -> Iterator[None]:
        """Feed every sample to a watch while the block runs.

        Raises:
            Busy: `MAX_WATCHES` watches run already.
        """
        with self._lock:
            if len(self._watches) >= MAX_WATCHES:
                raise Busy(f"{MAX_WATCHES} watches run already; end one.", retry_after=10.0)
            self._watches.append(watch)
        try:
            yield
        finally:
            with self._lock:
                self._watches.remove(watch)
                self._forget()

    def sample(
        self,
        watch: GrowthAnalysis,
        *,
        interval: float,
        asked: float | None = None,
        allow_pause: bool = False,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> GrowthSample:
        """Give a watch its next point: a new sample, or one just taken for another watch.

        Args:
            interval: Seconds between the points of the watch.
            asked: Unix time at which the point was due; None is now. A sample that
                was taken while the watch waited for its turn can serve it.
            allow_pause: Whether the process may pause for the sample.
            cancelled: Whether the caller no longer waits for it.

        Raises:
            EngineUnavailable, InsufficientMemory, CloneRefused, WalkFailed,
            WalkTimeout, Cancelled.
        """
        asked = time.time() if asked is None else asked
        while not self._turn.acquire(timeout=_POLL_SECONDS):
            if cancelled():
                raise Cancelled("The sample was cancelled.")
        try:
            latest = self._latest
            fresh = (
                latest is not None
                and latest.time > watch.latest_time
                and asked - latest.time < _FRESH * interval
            )
            if latest is None or not fresh:
                latest = self._take(allow_pause, cancelled)
                with self._lock:
                    self._latest = latest
                    for each in self._watches:
                        each.accumulate(latest)
                self._baselines.accumulate(latest)
            watch.append_point(latest)
            return latest
        finally:
            self._turn.release()

    # ---- baselines -------------------------------------------------------------------

    def keep_baseline(self, sample: GrowthSample) -> str:
        """Keep a sample that was just taken as a baseline. Return its id."""
        return self._baselines.keep(sample)

    def check_baseline(self, identifier: str) -> None:
        """Raise InvalidRequest if there is no such baseline."""
        self._baselines.check(identifier)

    def compare(self, identifier: str, watch: GrowthAnalysis, limit: int) -> Comparison:
        """Compare the latest sample with a baseline. See `Baselines.compare`."""
        return self._baselines.compare(identifier, self._latest, watch, limit)

    # ---- one sample --------------------------------------------------------------------

    def _forget(self) -> None:
        if not self._watches and not self._baselines:
            self._sampler = self._census = self._latest = None
            self._memory = _MemoryReader()

    def _take(self, allow_pause: bool, cancelled: Callable[[], bool]) -> GrowthSample:
        memory = self._memory.read()
        collector = CollectorFigures(
            runs=gc.isenabled() and gc.get_threshold()[0] > 0,
            frozen_count=gc.get_freeze_count(),
            full_collections=gc.get_stats()[2]["collections"],
        )
        work = time.process_time()
        try:
            self._sampler = self._sampler or PathSampler(self._options)
            taken = self._sampler.take(cancelled)
        except (EngineUnavailable, CloneRefused):
            if not allow_pause:
                raise
            self._census = self._census or CensusSampler()
            taken = self._census.take()
            # It counts the objects of this interpreter alone.
            may_exist = others_exist() is not False
            taken = replace(taken, others=OtherInterpreters(may_exist, unread=may_exist))
        return replace(taken, memory=memory, collector=collector, work=work)


class _MemoryReader:
    """Reads figures of the system and the allocators, and skips those that are slow to read."""

    def __init__(self) -> None:
        self._slow: set[str] = set()

    def read(self) -> MemoryFigures:
        memory = read_memory(self._arenas, self._malloc)
        return MemoryFigures(
            resident=memory.resident.bytes,
            anonymous=memory.anonymous.bytes,
            file_backed=memory.file_backed.bytes,
            shared=memory.shared.bytes,
            malloc_in_use=memory.malloc_in_use.bytes,
            python_in_use=memory.python_in_use.bytes,
        )

    def _arenas(self) -> str:
        # An empty text is also what a hooked allocator reports.
        return "" if "arenas" in self._slow else self._timed("arenas", arena_statistics)

    def _malloc(self) -> tuple[int, int]:
        # Python can be built without ctypes.
        from ops_service.process import libc

        if "malloc" in self._slow:
            raise libc.Unavailable("It takes too long to read at each sample.")
        return self._timed("malloc", libc.malloc_bytes)

    def _timed(self, statistic: str, read: Callable[[], Result]) -> Result:
        begin = time.thread_time()
        try:
            return read()
        finally:
            if time.thread_time() - begin > _STATISTIC_SECONDS:
                self._slow.add(statistic)
