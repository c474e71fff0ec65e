"""Runs in the host: captures at moments of the garbage collector."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from typing import Any

from eventually import eventually

from ops_service.errors import OpsServiceError
from ops_service.heap.model import CaptureOptions, GcMoment
from ops_service.heap.snapshot import start_capture
from ops_service.varint import undelimited

from . import faults
from .patient import PATIENCE


class Garbage:
    """In a cycle that nothing refers to."""


def make_garbage() -> weakref.ref[Garbage]:
    garbage = Garbage()
    garbage.itself = garbage  # type: ignore[attr-defined]
    return weakref.ref(garbage)


def capture_at(moment: str, wait_limit: float = 20.0) -> dict[str, Any]:
    gc.disable()
    gc.collect()
    reference = make_garbage()
    options = CaptureOptions(
        gc_moment=GcMoment[moment], gc_wait_limit=wait_limit, lifetime_limit=PATIENCE
    )
    before = list(gc.callbacks)
    began = time.monotonic()
    try:
        with start_capture(options) as running:
            found: dict[str, Any] = {"error": "", "messages": list(map(undelimited, running))}
    except OpsServiceError as error:
        found = faults.describe(error)
    found["seconds"] = time.monotonic() - began
    found["alive"] = reference() is not None
    found["callbacks kept"] = list(gc.callbacks) == before
    gc.collect()
    return found


def capture_after_collection() -> dict[str, Any]:
    """One thread waits for a full collection. This thread makes smaller ones first."""
    gc.disable()
    before = list(gc.callbacks)
    found: dict[str, Any] = {}

    def wait() -> None:
        found.update(capture_at("AFTER_NEXT_FULL_COLLECTION"))

    # The waiting thread itself collects before it waits.
    thread = threading.Thread(target=wait)
    thread.start()
    eventually(lambda: len(gc.callbacks) > len(before), "there is no callback", within=20)
    for generation in (0, 1):
        gc.collect(generation)
    made_by_then = bool(found)
    time_of_collection = time.time()
    gc.collect()
    thread.join()
    found["at a smaller collection"] = made_by_then
    found["collected at"] = time_of_collection
    found["callbacks restored"] = gc.callbacks == before
    return found


def missed(how: str) -> dict[str, Any]:
    if how == "off":
        gc.disable()
    if how == "frozen":
        gc.freeze()
    try:
        return capture_at("AFTER_NEXT_FULL_COLLECTION", 0.3)
    finally:
        gc.unfreeze()


def collected_amid_failure() -> dict[str, Any]:
    """After a failed wait, the slot is free and the callback is gone."""
    first = missed("off")
    second = capture_at("NOW")
    return {"first": first["error"], "second": second["error"]}
