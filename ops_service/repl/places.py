"""Where evaluated code can run: a thread of its own, or places that the host offers."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from dataclasses import dataclass

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
    find_loop: Callable[[], asyncio.AbstractEventLoop | None] = lambda: None
    """Finds the loop that the application's coroutines run on, if it runs now."""

    def offered(self) -> list[Place]:
        """Places that code can run in now."""
        places = [Place.WORKER_THREAD]
        if self.find_loop() is not None:
            places.append(Place.EVENT_LOOP)
        if self.main_thread_executor is not None:
            places.append(Place.MAIN_THREAD)
        return places

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
