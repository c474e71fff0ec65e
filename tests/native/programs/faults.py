"""Runs in the host: captures while an object of a misbehaving type is planted."""

from __future__ import annotations

import ctypes
import gc
import itertools
import mmap
import os
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

from eventually import eventually

from ops_service.errors import OpsServiceError
from ops_service.heap.census import take_census
from ops_service.heap.model import CaptureOptions
from ops_service.heap.snapshot import Capture, start_capture
from ops_service.varint import undelimited

from .patient import PATIENCE, PATIENT

KEPT: list[object] = []
OPEN: list[Capture] = []
PAGES = itertools.count()
UNREADABLE = "planted_unreadable_"


class BehindIt:
    """Only an object of the faulty type refers to its instances."""


def plant(directory: str, conduct: str) -> None:
    if directory not in sys.path:
        sys.path.insert(0, directory)
    import faulty  # type: ignore[import-not-found]

    KEPT.append([faulty.Faulty(conduct, BehindIt())])


def plant_types(directory: str, count: int) -> None:
    """Plant an object of each of this many faulty types."""
    plant(directory, "none")
    base = type(KEPT.pop()[0])  # type: ignore[index]
    for number in range(count):
        KEPT.append(type(f"Faulty{number}", (base,), {"__module__": "many"})("fault"))


class Headless:
    """The collector tracks this type, so a header precedes each instance."""

    __slots__ = ("slot",)


def plant_headless() -> None:
    """Plant an object whose header lies in a page that a clone does not get. So it faults
    each time that the walk reads it."""
    second = page(2) + 4096
    ctypes.memmove(second, struct.pack("nPP", 1 << 28, id(Headless), 0), 24)
    KEPT.append([ctypes.cast(second, ctypes.py_object).value])


def page(count: int) -> int:
    """Address of this many pages. A clone of this process does not get the first one."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    # Far from everything else, so that no table of the child is mapped there.
    wanted = ctypes.c_void_p(0x2000_0000_0000 + (next(PAGES) << 20))
    size = 4096 * count
    first = libc.mmap(wanted, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
    assert first == wanted.value
    assert libc.madvise(wanted, 4096, mmap.MADV_DONTFORK) == 0
    return int(first)


def plant_unreadable(count: int, where: str) -> None:
    """Plant objects in a page of memory that a clone of this process does not get."""
    first = page(1)
    for i in range(count):
        # A high reference count, because nothing may free memory that no allocator gave.
        address = first + 64 * i
        ctypes.memmove(address, struct.pack("nP", 1 << 28, id(object)), 16)
        planted = ctypes.cast(address, ctypes.py_object).value
        if where == "list":
            KEPT.append([planted, BehindIt()])
        else:
            sys.modules[f"{UNREADABLE}{i}"] = planted


def unplant() -> None:
    KEPT.clear()
    for name in [name for name in sys.modules if name.startswith(UNREADABLE)]:
        del sys.modules[name]


def outcome(work: str, lifetime_limit: float = PATIENCE) -> dict[str, Any]:
    """Capture or count. Return the result, and what is left behind."""
    began = time.monotonic()
    try:
        if work == "census":
            census = take_census()
            found: dict[str, Any] = {"objects": census.object_count, "warnings": census.warnings}
        else:
            options = CaptureOptions(lifetime_limit=lifetime_limit)
            with start_capture(options) as running:
                messages = list(map(undelimited, running))
            summary = running.summary
            found = {
                "objects": summary.object_count,
                "warnings": summary.warnings,
                "messages": messages,
            }
        found["error"] = ""
    except OpsServiceError as error:
        found = describe(error)
    found["seconds"] = time.monotonic() - began
    return found


def describe(error: OpsServiceError) -> dict[str, Any]:
    return {
        "error": type(error).__name__,
        "text": str(error),
        "retry_after": error.retry_after,
        "details": error.details,
    }


def left_behind() -> dict[str, int]:
    """The things that a capture must not change."""
    # An error and the frames that it passed refer to each other.
    gc.collect()
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "python threads": threading.active_count(),
        "callbacks": len(gc.callbacks),
        "collecting": gc.isenabled(),
        "mappings": sum(1 for line in Path("/proc/self/maps").open() if "rw-s" in line),
    }


def open_waiting(lifetime_limit: float = PATIENCE) -> None:
    """Start a capture whose child waits in a traversal until ``release``."""
    import faulty

    faulty.set_released(False)
    OPEN.append(start_capture(CaptureOptions(lifetime_limit=lifetime_limit)))
    eventually(faulty.has_entered, "the child is not at the object that waits", within=20)


def release() -> None:
    import faulty

    faulty.set_released(True)


def open_unread(objects: int) -> None:
    """Start a capture with more output than a pipe holds, and read nothing."""
    KEPT.append([[] for _ in range(objects)])
    OPEN.append(start_capture(PATIENT))


def take_one_and_drop() -> int:
    """Read one message of a capture, then drop its iterator and the capture."""
    KEPT.append([[] for _ in range(200_000)])
    running = start_capture(PATIENT)
    iterator = iter(running)
    first = next(iterator)
    del iterator, running
    KEPT.clear()
    return len(first)


def finish_open() -> int:
    running = OPEN.pop()
    with running:
        messages = list(running)
    return sum(map(len, messages))


def cancel_open(read: bool) -> dict[str, Any]:
    """Cancel from another thread, while this thread reads or does not."""
    running = OPEN.pop()
    began = time.monotonic()
    canceller = threading.Thread(target=running.cancel)
    canceller.start()
    found: dict[str, Any] = {"error": ""}
    if read:
        try:
            list(running)
        except OpsServiceError as error:
            found = describe(error)
    canceller.join()
    running.cancel()
    found["seconds"] = time.monotonic() - began
    return found


def counts_together(threads: int) -> list[float]:
    """Clone times of censuses that were all requested while one walked. The time of
    that one comes first."""
    import faulty

    faulty.set_released(False)
    times: dict[int, float] = {}

    def count(number: int) -> None:
        times[number] = take_census().capture_time

    first = threading.Thread(target=count, args=(0,))
    first.start()
    eventually(faulty.has_entered, "the first census is not at the object that waits", within=20)
    rest = [threading.Thread(target=count, args=(number,)) for number in range(1, threads + 1)]
    for thread in rest:
        thread.start()
    eventually(lambda: all(map(waits_for_census, rest)), "the others do not wait", within=20)
    faulty.set_released(True)
    for thread in (first, *rest):
        thread.join()
    return [times[number] for number in sorted(times)]


def waits_for_census(thread: threading.Thread) -> bool:
    """Whether the thread is in a wait that the census began."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None or not frame.f_code.co_filename.endswith("threading.py"):
        return False
    while frame is not None:
        if frame.f_code.co_filename.endswith("census.py"):
            return True
        frame = frame.f_back
    return False


def cancelled_census() -> dict[str, Any]:
    """Cancel a census by its event while its child waits."""
    import faulty

    faulty.set_released(False)
    cancel = threading.Event()
    found: dict[str, Any] = {}

    def count() -> None:
        try:
            take_census(cancel=cancel)
        except OpsServiceError as error:
            found.update(describe(error))

    thread = threading.Thread(target=count)
    thread.start()
    eventually(faulty.has_entered, "the census is not at the object that waits", within=20)
    began = time.monotonic()
    cancel.set()
    thread.join()
    found["seconds"] = time.monotonic() - began
    return found
