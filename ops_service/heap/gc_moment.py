"""Runs a capture at a moment relative to garbage collections."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from ops_service.errors import Cancelled, GcMomentMissed, OpsServiceError
from ops_service.heap.model import GcMoment

_Result = TypeVar("_Result")
_OLDEST = 2
_POLL_SECONDS = 0.05

_seen_lock = threading.Lock()
_seen: tuple[int, float] | None = None
"""Number of full collections, and the monotonic time at which it was first seen."""


def observe_collections() -> tuple[int, float]:
    """Record the number of full collections.

    Returns:
        The number, and the seconds for which it is known to be unchanged.
    """
    global _seen
    count = gc.get_stats()[_OLDEST]["collections"]
    now = time.monotonic()
    with _seen_lock:
        if _seen is None or _seen[0] != count:
            _seen = (count, now)
        return count, now - _seen[1]


def at_moment(
    moment: GcMoment,
    wait_limit: float,
    take: Callable[[], _Result],
    cancelled: Callable[[], bool],
) -> _Result:
    """Call ``take`` at the requested moment, and return its result.

    COLLECT_FIRST stops the process for a full collection. AFTER_NEXT_FULL_COLLECTION
    calls ``take`` inside the collector's callback, in the thread that collects. The
    callback is removed before this returns.

    Raises:
        GcMomentMissed: No full collection came within ``wait_limit`` seconds.
        Cancelled: ``cancelled()`` became true meanwhile.
    """
    observe_collections()
    if moment is GcMoment.COLLECT_FIRST:
        gc.collect()
    if moment is not GcMoment.AFTER_NEXT_FULL_COLLECTION:
        return take()
    return _Waiter(take).wait(wait_limit, cancelled)


class _Waiter(Generic[_Result]):
    def __init__(self, take: Callable[[], _Result]) -> None:
        self._take = take
        self._lock = threading.Lock()
        self._open = True
        self._done = threading.Event()
        self._result: list[_Result] = []
        self._error: OpsServiceError | None = None

    def wait(self, wait_limit: float, cancelled: Callable[[], bool]) -> _Result:
        deadline = time.monotonic() + wait_limit
        gc.callbacks.append(self._on_collection)
        try:
            while not self._done.wait(_POLL_SECONDS):
                if cancelled():
                    self._close()
                    break
                if time.monotonic() >= deadline:
                    self._close()
                    break
        finally:
            gc.callbacks.remove(self._on_collection)
        # A collection may have called back just before the wait was closed.
        if not self._done.is_set():
            if cancelled():
                raise Cancelled("The wait for a collection was cancelled.")
            raise GcMomentMissed(_missed(wait_limit), retry_after=wait_limit)
        if self._error is not None:
            raise self._error.without_traceback()
        return self._result[0]

    def _close(self) -> None:
        with self._lock:
            self._open = False

    def _on_collection(self, phase: str, info: dict[str, int]) -> None:
        if phase != "stop" or info.get("generation") != _OLDEST:
            return
        # Never wait here: the process is stopped inside its collector.
        if not self._lock.acquire(blocking=False):
            return
        try:
            if not self._open:
                return
            self._open = False
            try:
                self._result.append(self._take())
            except OpsServiceError as error:
                self._error = error.without_traceback()
            except BaseException as error:
                self._error = OpsServiceError(f"The capture failed with {type(error).__name__}.")
            self._done.set()
        finally:
            self._lock.release()


def _missed(wait_limit: float) -> str:
    count, unchanged = observe_collections()
    parts = [f"No full collection came within {wait_limit:g} s."]
    if count:
        parts.append(
            f"There were {count} since the process began, the last at least {unchanged:.0f} s ago."
        )
    else:
        parts.append("There was none since the process began.")
    if not gc.isenabled():
        parts.append("The collector is switched off.")
    if gc.get_freeze_count():
        parts.append(f"{gc.get_freeze_count()} objects are frozen.")
    parts.append("COLLECT_FIRST runs one, and stops the process meanwhile.")
    return " ".join(parts)
