"""Where evaluated code can run: its own thread, or places that the application offers."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from dataclasses import dataclass

from ops_service.errors import PlaceUnavailable

MainThreadExecutor = Callable[[Callable[[], None]], object]
"""Takes a function without arguments and has the main thread call it soon."""


class Place(enum.Enum):
    """Where evaluated code runs."""

    WORKER_THREAD = "worker_thread"
    EVENT_LOOP = "event_loop"
    MAIN_THREAD = "main_thread"


@dataclass(frozen=True, slots=True)
class Places:
    """Places that the application offers, besides each evaluation's own thread."""

    main_thread_executor: MainThreadExecutor | None = None
    find_loop: Callable[[], asyncio.AbstractEventLoop | None] = lambda: None
    """Finds the running loop of the application's coroutines; None if none runs."""

    def offered(self) -> list[Place]:
        """Places that code can run in now."""
        places = [Place.WORKER_THREAD]
        if self.find_loop() is not None:
            places.append(Place.EVENT_LOOP)
        if self.main_thread_executor is not None:
            places.append(Place.MAIN_THREAD)
        return places

    def require(self, place: Place) -> None:
        """Check that the place is offered.

        Raises:
            PlaceUnavailable: It is not. The text names what the application can do.
        """
        if place is Place.EVENT_LOOP and self.find_loop() is None:
            raise PlaceUnavailable(NO_LOOP)
        if place is Place.MAIN_THREAD and self.main_thread_executor is None:
            raise PlaceUnavailable(
                "The application offers no executor for its main thread; it can pass one to "
                "ops_service.start as main_thread_executor."
            )


NO_LOOP = (
    "No running event loop of the application is known, or there are several and none in the "
    "main thread; the application can pass one to ops_service.start as event_loop."
)
