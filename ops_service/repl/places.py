"""Where evaluated code can run: a thread of its own, or places that the host offers."""

from __future__ import annotations

import asyncio
import asyncio.runners
import enum
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from ops_service.errors import PlaceUnavailable

MainThreadExecutor = Callable[[Callable[[], None]], object]
"""Takes a function without arguments and lets the main thread call it soon."""


class Place(enum.Enum):
    """Where evaluated code runs."""

    WORKER_THREAD = "worker_thread"
    EVENT_LOOP = "event_loop"
    MAIN_THREAD = "main_thread"


@dataclass(frozen=True, slots=True)
class Places:
    """What the application offers, besides a thread of its own for each evaluation."""

    main_thread_executor: MainThreadExecutor | None = None
    event_loop: asyncio.AbstractEventLoop | None = None
    """A loop that it named. Without one, a running loop is looked for."""

    def offered(self) -> list[Place]:
        """Places that code can run in now."""
        places = [Place.WORKER_THREAD]
        if self.find_loop() is not None:
            places.append(Place.EVENT_LOOP)
        if self.main_thread_executor is not None:
            places.append(Place.MAIN_THREAD)
        return places

    def find_loop(self) -> asyncio.AbstractEventLoop | None:
        """The application's running loop: the one it named, the main thread's, or the only one."""
        if self.event_loop is not None:
            return self.event_loop if self.event_loop.is_running() else None
        found = running_loops()
        main = threading.main_thread().ident
        if main in found:
            return found[main]
        return next(iter(found.values())) if len(found) == 1 else None

    def require(self, place: Place) -> None:
        """Pass if the place is offered.

        Raises:
            PlaceUnavailable: It is not. Says what the application can do.
        """
        if place is Place.EVENT_LOOP and self.find_loop() is None:
            raise PlaceUnavailable(NO_LOOP)
        if place is Place.MAIN_THREAD and self.main_thread_executor is None:
            raise PlaceUnavailable(
                "The application offers no executor for its main thread; it would be given to "
                "ops_service.start as main_thread_executor."
            )


NO_LOOP = (
    "No running event loop of the application is known, or there are several and none in the "
    "main thread; it would be given to ops_service.start as event_loop."
)


def running_loops() -> dict[int, asyncio.AbstractEventLoop]:
    """Event loops that run in the process, by thread, those of ops_service aside.

    Reads the frames that run them, so a loop counts whatever made it. A loop that
    is not Python's own is found if ``asyncio.run`` or a ``Runner`` runs it.
    """
    own = {t.ident for t in threading.enumerate() if t.name.startswith("ops_service")}
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
