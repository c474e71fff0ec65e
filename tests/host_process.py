"""A host application for tests: busy with threads that allocate, driven over pipes.

Usage: host_process.py COMMANDS_FD REPLIES_FD THREADS HEARTBEAT_FILE

Reads one JSON command a line and answers each with one JSON line. Its standard
output and error stay the application's own.
"""

from __future__ import annotations

import contextlib
import json
import math
import mmap
import os
import queue
import resource
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ops_service


def allocate(stop: threading.Event) -> None:
    """Make and drop objects of several kinds, some of them in cycles."""
    while not stop.is_set():
        rows = [{"n": i, "text": str(i), "tags": [i]} for i in range(500)]
        for row in rows[::50]:
            row["self"] = row
        del rows
        # Busy enough to change under a walk, and not so that a suite's worth of
        # hosts starve the walking children, which have the lowest priority.
        time.sleep(0.01)


class Heartbeat(threading.Thread):
    """Notes for how long this thread did not get to run, although it could have.

    The time for which it waited for a processor, by the kernel's own books, is not
    counted: others take the machine's processors as well.
    """

    _STEP = math.log(1.05)
    _LEAST = 1e-4

    def __init__(self, file: Path | None = None) -> None:
        """
        Args:
            file: Is told the largest gap, for whoever asks when this process is gone.
        """
        super().__init__(name="heartbeat", daemon=True)
        self.largest_gap = 0.0
        self._record = None
        if file is not None:
            with file.open("r+b") as opened:
                self._record = mmap.mmap(opened.fileno(), 8)
        self.beats = 0
        # By size, each place for gaps 5 % longer than those of the one before.
        self._counts = [0] * 300

    def run(self) -> None:
        waited = self._waited_for_processor()
        last, before = time.monotonic(), waited()
        while True:
            time.sleep(0.001)
            now, then = time.monotonic(), waited()
            gap = max(0.0, now - last - (then - before))
            self.largest_gap = max(self.largest_gap, gap)
            if self._record is not None:
                struct.pack_into("d", self._record, 0, self.largest_gap)
            place = int(math.log(max(gap, self._LEAST) / self._LEAST) / self._STEP)
            self._counts[min(place, 299)] += 1
            self.beats += 1
            last, before = now, then

    def take_percentile(self, share: float) -> float:
        """What this share of the gaps stayed below, since last asked, within 5 %."""
        counts, self._counts = self._counts, [0] * 300
        below, place = counts[0], 1
        while below < share * sum(counts):
            below += counts[place]
            place += 1
        return self._LEAST * math.exp(place * self._STEP)

    @staticmethod
    def _waited_for_processor() -> Callable[[], float]:
        try:
            # In this thread: the file is that of whoever opens it.
            file = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
        except OSError:
            return lambda: 0.0
        return lambda: int(os.pread(file, 100, 0).split()[1]) / 1e9


def say(text: str) -> None:
    """Print, as a function of the application does."""
    print(text)


def peak_bytes() -> int:
    """Largest resident set size so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def children() -> list[str]:
    """Process ids of the children of all threads, by the kernel's own lists."""
    found: list[str] = []
    for file in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # A thread that has just ended.
            found += file.read_text().split()
    return found


def service_evaluations() -> list[str]:
    """Names of the threads that evaluate code."""
    return [t.name for t in threading.enumerate() if t.name == "ops_service-evaluation"]


def main() -> None:
    commands = os.fdopen(int(sys.argv[1]), encoding="utf-8")
    replies = os.fdopen(int(sys.argv[2]), "w", encoding="utf-8")
    stop = threading.Event()
    for _ in range(int(sys.argv[3])):
        threading.Thread(target=allocate, args=(stop,), name="allocator", daemon=True).start()
    heartbeat = Heartbeat(Path(sys.argv[4]))
    heartbeat.start()
    main_thread_work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    planted: dict[str, Any] = {
        "__name__": "app",
        "heartbeat": heartbeat,
        "main_thread_work": main_thread_work,
        "children": children,
        "peak_bytes": peak_bytes,
        "say": say,
        "service_evaluations": service_evaluations,
    }

    for line in commands:
        command = json.loads(line)
        try:
            match command["do"]:
                case "start":
                    service = ops_service.start(
                        namespace=planted,
                        hook=planted.get("hook"),
                        main_thread_executor=main_thread_work.put,
                    )
                    planted["service"] = service
                    answer: Any = {"address": service.address, "instance_id": service.instance_id}
                case "run":
                    exec(compile(command["code"], "<test>", "exec"), planted)
                    answer = planted.pop("answer", None)
                case "exit":
                    break
            reply = {"answer": answer}
        except Exception:
            reply = {"error": traceback.format_exc()}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
