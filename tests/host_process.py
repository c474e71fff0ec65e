"""A host application for tests: busy with threads that allocate, driven over pipes.

Usage: host_process.py COMMANDS_FD REPLIES_FD ALLOCATIONS HEARTBEAT_FILE BEAT_SECONDS

Reads one JSON command a line, and answers each with one JSON line. The application
keeps its own standard output and error.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import resource
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eventually import eventually
from heartbeat import Heartbeat

import ops_service


def allocate(stop: threading.Event, count: int) -> None:
    """Make and drop this many objects of several kinds, some of them in cycles."""
    while not stop.is_set():
        rows = [{"n": i, "text": str(i), "tags": [i]} for i in range(count)]
        for row in rows[::50]:
            row["self"] = row
        del rows
        # Busy enough to change the heap during a walk. Not busier: the hosts of a suite must
        # not starve the walking children, which have the lowest priority.
        time.sleep(0.01)


def say(text: str) -> None:
    """Print from a function of the application."""
    print(text)


def peak_bytes() -> int:
    """Largest resident set size so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def children() -> list[str]:
    """Process ids of the children of all threads, as the kernel lists them."""
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
    threads = [threading.main_thread()]
    for _ in range(2):
        threads.append(
            threading.Thread(
                target=allocate, args=(stop, int(sys.argv[3])), name="allocator", daemon=True
            )
        )
        threads[-1].start()
    heartbeat = Heartbeat(Path(sys.argv[4]), threads, float(sys.argv[5]))
    heartbeat.start()
    main_thread_work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    planted: dict[str, Any] = {
        "__name__": "app",
        "heartbeat": heartbeat,
        "main_thread_work": main_thread_work,
        "children": children,
        "eventually": eventually,
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
                        event_loop=planted.get("event_loop"),
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
