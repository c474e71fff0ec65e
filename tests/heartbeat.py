"""The heartbeat of a host application: how long one of its threads could not run."""

from __future__ import annotations

import math
import mmap
import operator
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_STEP = math.log(1.05)
_LEAST = 1e-4
_PLACES = 300

RECORD_BYTES = 8 * (1 + _PLACES)
"""Length of the heartbeat's file."""


class Heartbeat(threading.Thread):
    """Records how long this thread did not run, although it was ready to run.

    The kernel reports how long the thread waited for a processor. That time does not count,
    because other processes use the machine's processors too. Neither does the time that a
    thread of the application waited for one, which may have held the interpreter's lock
    meanwhile. The same time of the port's threads does count.
    """

    def __init__(
        self,
        file: Path | None = None,
        beside: Sequence[threading.Thread] = (),
        seconds: float = 0.001,
    ) -> None:
        """
        Args:
            file: Keeps all gaps, so that they can be read after this process ends.
            beside: Running threads of the application.
            seconds: Sleep between two beats. A thousand a second take a twentieth of a
                processor.
        """
        super().__init__(name="heartbeat", daemon=True)
        record = memoryview(bytearray(RECORD_BYTES))
        if file is not None:
            with file.open("r+b") as opened:
                record = memoryview(mmap.mmap(opened.fileno(), RECORD_BYTES))
        self._largest, self._counts = _parts(record)
        self._beside = [thread.native_id for thread in beside]
        self._seconds = seconds
        self.beats = 0
        self.largest_wait = 0.0
        """The largest gap since the last reset, in seconds, with the waits of the application's
        threads included. It shows how short of processors the machine is."""

    @property
    def largest_gap(self) -> float:
        """In seconds, since the last reset."""
        return float(self._largest[0])

    @largest_gap.setter
    def largest_gap(self, seconds: float) -> None:
        self._largest[0] = seconds

    def run(self) -> None:
        own = _waited_for_processor(threading.get_native_id())
        others = [_waited_for_processor(each) for each in self._beside]
        last, before = time.monotonic(), own()
        others_before = [waited() for waited in others]
        while True:
            time.sleep(self._seconds)
            now, then = time.monotonic(), own()
            others_then = [waited() for waited in others]
            wait = now - last - (then - before)
            waits = map(operator.sub, others_then, others_before)
            gap = max(0.0, wait - max(waits, default=0.0))
            self.largest_wait = max(self.largest_wait, wait)
            self._largest[0] = max(self._largest[0], gap)
            place = int(math.log(max(gap, _LEAST) / _LEAST) / _STEP)
            self._counts[min(place, _PLACES - 1)] += 1
            self.beats += 1
            last, before, others_before = now, then, others_then

    def take_percentile(self, share: float) -> float:
        """This share of the gaps stayed below the result since the last call, within 5 %."""
        counts = self._counts.tolist()
        self._counts[:] = memoryview(bytes(8 * _PLACES)).cast("Q")
        return _percentile(counts, share)


def _waited_for_processor(thread: int | None) -> Callable[[], float]:
    """Return a function: for how many seconds a thread of this process has waited so far."""
    try:
        file = os.open(f"/proc/self/task/{thread}/schedstat", os.O_RDONLY)
    except OSError:
        return lambda: 0.0
    return lambda: int(os.pread(file, 100, 0).split()[1]) / 1e9


def recorded(file: Path, share: float) -> tuple[float, float]:
    """The largest gap of a process that has ended, and what a share of its gaps stayed below."""
    largest, counts = _parts(memoryview(file.read_bytes()))
    return float(largest[0]), _percentile(counts.tolist(), share)


def _parts(record: memoryview) -> tuple[memoryview, memoryview]:
    # Gaps by size: each bucket is for gaps 5 % longer than the bucket before.
    return record[:8].cast("d"), record[8:].cast("Q")


def _percentile(counts: Sequence[int], share: float) -> float:
    below, place = counts[0], 1
    while below < share * sum(counts):
        below += counts[place]
        place += 1
    return _LEAST * math.exp(place * _STEP)
