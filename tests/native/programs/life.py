"""Runs in the host: captures amid the host's own processes, threads and limits."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from eventually import eventually

from ops_service.errors import OpsServiceError
from ops_service.heap import engine
from ops_service.heap.census import take_census
from ops_service.heap.snapshot import start_capture

from . import faults
from .patient import PATIENT

KEPT: list[object] = []


def captures(count: int) -> list[dict[str, Any]]:
    """Alternate captures and censuses. Return the counts of each."""
    results = []
    for _ in range(count):
        with start_capture(PATIENT) as running:
            size = sum(map(len, running))
        census = take_census()
        summary = running.summary
        results.append(
            {
                "bytes": size,
                "objects": summary.object_count,
                "counted": census.object_count,
                "cpu_time": summary.child_cpu_time,
                "lifetime": summary.child_lifetime,
                "pause": summary.pause,
            }
        )
    return results


def wait_for_every_child(count: int) -> dict[str, Any]:
    """Capture while a thread loops on ``waitpid(-1)``. Return the children that it saw."""
    seen: list[int] = []
    own = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1)
    assert own.stdin is not None

    def loop() -> None:
        while True:
            try:
                seen.append(os.waitpid(-1, 0)[0])
            except ChildProcessError:
                return

    thread = threading.Thread(target=loop)
    thread.start()
    results = captures(count)
    own.stdin.close()
    thread.join()
    # The loop has already reaped it.
    own.returncode = 0
    return {"own": own.pid, "seen": seen, "results": results}


def count_signals(count: int) -> dict[str, Any]:
    """Capture with a handler for SIGCHLD. Return how often it was called."""
    calls: list[int] = []
    before = signal.signal(signal.SIGCHLD, lambda number, frame: calls.append(number))
    try:
        results = captures(count)
        own_calls = len(calls)
        subprocess.run(["true"], check=True)
        return {"ours": own_calls, "with a child of the host": len(calls), "results": results}
    finally:
        signal.signal(signal.SIGCHLD, before)


def ignore_children(count: int) -> list[dict[str, Any]]:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        return captures(count)
    finally:
        signal.signal(signal.SIGCHLD, before)


class Churn:
    """Threads that allocate and free memory of every size, all the time."""

    def __init__(self, threads: int) -> None:
        self.leave = False
        self.turns = [0] * threads
        self.threads = [
            threading.Thread(target=self.work, args=(number,), daemon=True)
            for number in range(threads)
        ]
        for thread in self.threads:
            thread.start()

    def work(self, number: int) -> None:
        kept: list[object] = []
        while not self.leave:
            size = 1 << (self.turns[number] % 20)
            kept.append(bytearray(size))
            kept.append({str(n): [n] for n in range(50)})
            # Compression allocates and works without the GIL.
            kept.append(compress(bytes(size)))
            if len(kept) > 60:
                kept.clear()
            self.turns[number] += 1

    def end(self) -> list[int]:
        self.leave = True
        for thread in self.threads:
            thread.join()
        return self.turns


def compress(data: bytes) -> bytes:
    import zlib

    return zlib.compress(data)


def captures_amid_threads(count: int, threads: int) -> dict[str, Any]:
    churn = Churn(threads)
    try:
        results = captures(count)
    finally:
        turns = churn.end()
    return {"results": results, "turns": turns}


def listen_and_capture(objects: int) -> int:
    """Open a listening socket, and a capture that nobody reads. Return the port."""
    server = socket.create_server(("127.0.0.1", 0))
    KEPT.append(server)
    faults.open_unread(objects)
    return int(server.getsockname()[1])


def fork_meanwhile(objects: int) -> dict[str, Any]:
    """Fork during a capture. The end of the fork must not affect it."""
    faults.open_unread(objects)
    pid = os.fork()
    if pid == 0:
        # A forked process drops the capture that it inherits.
        faults.OPEN.pop().cancel()
        gc.collect()
        os._exit(7)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return {"status": status, "bytes": faults.finish_open()}


def prove_amid_kills() -> dict[str, Any]:
    """Let the engine prove itself until its child is killed, as if memory ran out."""
    enough = threading.Event()
    # The children of the cloning thread, which is the main thread.
    children = Path(f"/proc/self/task/{os.getpid()}/children")

    def kill() -> None:
        while not enough.is_set():
            for pid in children.read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    while (status := engine.engine_status()).available:
        engine.forget()
    enough.set()
    killer.join()
    return {"reason": status.reason, "later": engine.engine_status().available}


def without_descriptors() -> dict[str, Any]:
    """Capture when the process cannot open any further file."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        while True:
            try:
                opened.append(os.dup(2))
            except OSError:
                break
        return error_of_a_capture()
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def without_processes() -> dict[str, Any]:
    """Capture when the user cannot start any further process. Cannot be undone."""
    if os.geteuid() == 0:
        # The limit does not apply to root.
        os.setgid(65534)
        os.setuid(65534)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    return error_of_a_capture()


def without_memory(spare: int) -> dict[str, Any]:
    """Capture when the process, and so its child, can map little more memory."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + spare, before[1]))
    try:
        return error_of_a_capture()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def error_of_a_capture() -> dict[str, Any]:
    try:
        with start_capture(PATIENT) as running:
            for _ in running:
                pass
        return {"error": ""}
    except OpsServiceError as error:
        return faults.describe(error)


def priority_of_child(objects: int) -> dict[str, Any]:
    """The system's data on a child at work."""
    faults.open_unread(objects)
    own = os.getpid()
    (child,) = [
        int(pid)
        for pid in os.listdir("/proc")
        if pid.isdigit() and int(pid) != own and parent_of(pid) == own
    ]

    def read(name: str) -> str:
        with open(f"/proc/{child}/{name}") as file:
            return file.read()

    # The score is the last of the child's preparations.
    eventually(lambda: int(read("oom_score_adj")) == 1000, "the child is not prepared", within=20)
    descriptors = os.listdir(f"/proc/{child}/fd")
    limits = [line for line in read("limits").splitlines() if "core" in line]
    found = {
        "nice": os.getpriority(os.PRIO_PROCESS, child),
        "descriptors": len(descriptors),
        "core": limits[0].split()[4],
    }
    faults.OPEN.pop().cancel()
    KEPT.clear()
    return found


def parent_of(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
