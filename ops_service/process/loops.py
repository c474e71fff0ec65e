"""The application's event loop."""

from __future__ import annotations

import asyncio
import asyncio.runners
import sys
import threading
import weakref
from types import FrameType

from ops_service.process.task_stacks import task_references


class LoopFinder:
    """Finds the loop that the application's coroutines run on."""

    def __init__(self, named: asyncio.AbstractEventLoop | None = None) -> None:
        """
        Args:
            named: The loop that the application named, if it did.
        """
        self._named = named

    def find(self) -> asyncio.AbstractEventLoop | None:
        """The loop that the application named, or the main thread's, or the only one.

        None if the named loop does not run, or if several loops run and none of them in
        the main thread.
        """
        if self._named is not None:
            return self._named if self._named.is_running() else None
        by_thread = running_loops()
        main = threading.main_thread().ident
        if main in by_thread:
            return by_thread[main]
        loops = {*by_thread.values(), *_loops_of_tasks()}
        return loops.pop() if len(loops) == 1 else None


def running_loops() -> dict[int, asyncio.AbstractEventLoop]:
    """Running event loops by thread, except those of ops_service.

    Reads the frames that run the loops, so it does not matter how a loop was created. It
    finds a loop that is not Python's own if ``asyncio.run`` or a ``Runner`` runs it.
    """
    own = _own_threads()
    found = {}
    for thread_id, frame in sys._current_frames().items():
        if thread_id not in own and (loop := _loop_of(frame)) is not None:
            found[thread_id] = loop
    return found


def _loop_of(frame: FrameType | None) -> asyncio.AbstractEventLoop | None:
    while frame is not None:
        loop = None
        if frame.f_code is asyncio.BaseEventLoop.run_forever.__code__:
            loop = frame.f_locals.get("self")
        elif frame.f_code is asyncio.runners.Runner.run.__code__:
            runner = frame.f_locals.get("self")
            loop = getattr(runner, "_loop", None)
        if isinstance(loop, asyncio.AbstractEventLoop) and loop.is_running():
            return loop
        frame = frame.f_back
    return None


def _loops_of_tasks() -> set[asyncio.AbstractEventLoop]:
    """Running loops that have tasks, including loops without a Python frame such as uvloop."""
    own = _own_threads()
    found = set()
    for reference in task_references():
        task = reference() if isinstance(reference, weakref.ref) else reference
        if isinstance(task, asyncio.Task):
            loop = task.get_loop()
            if loop.is_running() and getattr(loop, "_thread_id", None) not in own:
                found.add(loop)
    return found


def _own_threads() -> set[int | None]:
    return {each.ident for each in threading.enumerate() if each.name.startswith("ops_service")}
