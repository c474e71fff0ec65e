"""Runs in the host: an object that only the stack of a waiting frame holds."""

from __future__ import annotations

import threading

from . import capture


class Temporary:
    def __init__(self) -> None:
        # For the collector, which tracks what has references.
        self.own: list[int] = []


def hold(_: object, acquired: bool) -> bool:
    return acquired


def wait(lock: threading.Lock, ready: threading.Event) -> bool:
    # The lock's method is C, so this frame executes while it waits.
    acquire = lock.acquire
    ready.set()
    return hold(Temporary(), acquire())


LOCK = threading.Lock()


def start_waiting() -> None:
    ready = threading.Event()
    LOCK.acquire()
    threading.Thread(target=wait, args=(LOCK, ready)).start()
    ready.wait()


def capture_waiting() -> list[bytes]:
    messages, _ = capture.snapshot()
    return messages


def stop_waiting() -> None:
    LOCK.release()
