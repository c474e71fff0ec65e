"""The heartbeat of a host application: for how long a thread of it did not get to run."""

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
"""Length of the file that a heartbeat is kept in."""


class Heartbeat(threading.Thread):
    """Notes for how long this thread did not get to run, although it could have.

    The time for which it waited for a processor, by the kernel's own books, is not
    counted: others take the machine's processors as well. Nor is that for which a thread
    of the application waited for one, which may have held the interpreter's lock
    meanwhile; for threads of the port it is.
    """

    def __init__(self, file: Path | None = None, beside: Sequence[threading.Thread] = ()) -> None:
        """
        Args:
            file: Where all of it is kept, for whoever asks when this process is gone.
            beside: Threads of the application that run.
        """
        super().__init__(name="heartbeat", daemon=True)
        record = memoryview(bytearray(RECORD_BYTES))
        if file is not None:
            with file.open("r+b") as opened:
                record = memoryview(mmap.mmap(opened.fileno(), RECORD_BYTES))
        self._largest, self._counts = _parts(record)
        self._beside = [thread.native_id for thread in beside]
        self.beats = 0
        self.largest_wait = 0.0
        """The largest gap with the waits of threads of the application in it, in seconds,
        since it was last set: how short of processors the machine is."""

    @property
    def largest_gap(self) -> float:
        """In seconds, since it was last set."""
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
            time.sleep(0.001)
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
        """What this share of the gaps stayed below, since last asked, within 5 %."""
        counts = self._counts.tolist()
        self._counts[:] = memoryview(bytes(8 * _PLACES)).cast("Q")
        return _percentile(counts, share)


def _waited_for_processor(thread: int | None) -> Callable[[], float]:
    """Tells for how many seconds a thread of this process has waited so far."""
    try:
        file = os.open(f"/proc/self/task/{thread}/schedstat", os.O_RDONLY)
    except OSError:
        return lambda: 0.0
    return lambda: int(os.pread(file, 100, 0).split()[1]) / 1e9


def recorded(file: Path, share: float) -> tuple[float, float]:
    """The largest gap, and what a share of the gaps stayed below, of a process that is gone."""
    largest, counts = _parts(memoryview(file.read_bytes()))
    return float(largest[0]), _percentile(counts.tolist(), share)


def _parts(record: memoryview) -> tuple[memoryview, memoryview]:
    # By size, each place for gaps 5 % longer than those of the one before.
    return record[:8].cast("d"), record[8:].cast("Q")


def _percentile(counts: Sequence[int], share: float) -> float:
    below, place = counts[0], 1
    while below < share * sum(counts):
        below += counts[place]
        place += 1
    return _LEAST * math.exp(place * _STEP)
