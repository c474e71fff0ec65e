"""Daemon threads for blocking work, and the bridge from them to the service's loop.

Python joins the threads of ``concurrent.futures`` when the interpreter exits, so a blocked
one would keep the host from exiting. It does not join these.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, TypeVar

from ops_service.errors import Busy, StartError

T = TypeVar("T")

_END = object()

GREEN_THREADS = (
    "gevent or eventlet replaces the threads of this process, and the port needs a real one; "
    "run it in a worker without monkey patching, such as gunicorn's gthread or Celery's threads."
)
"""Why there is no port if threads are greenlets, and what to do."""


def refuse_green_threads() -> None:
    """Raise StartError if threads of this process are not threads of the system."""
    patched = False
    if monkey := sys.modules.get("gevent.monkey"):
        patched = monkey.is_module_patched("threading") or monkey.is_module_patched("socket")
    if monkey := sys.modules.get("eventlet.patcher"):
        patched = patched or monkey.is_monkey_patched("thread")
    if patched:
        raise StartError(GREEN_THREADS)


def post(loop: asyncio.AbstractEventLoop, callback: Callable[..., object], *args: Any) -> bool:
    """Call a function on a loop, from any thread.

    Returns:
        False if the loop is closed: the process exits, or the service stopped.
    """
    try:
        loop.call_soon_threadsafe(callback, *args)
    except RuntimeError:
        return False
    return True


class LoopEvent:
    """Wakes a task of the running loop. Any thread may set it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the task. Does nothing if the loop is closed."""
        post(self._loop, self._event.set)

    async def wait(self, seconds: float | None = None) -> None:
        """Wait until it is set or this many seconds pass, then clear it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()


def _nothing() -> None:
    pass


class Threads:
    """A bounded number of threads. Each is started for one unit of work."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self._limit = limit
        self._running = 0

    async def run(self, work: Callable[[], T], *, cancel: Callable[[], None] = _nothing) -> T:
        """Run a function in a thread and return its result.

        Args:
            cancel: Called when the waiting task is cancelled. It must make the work end
                soon; the thread counts until then. Leave it out for short work.

        Raises:
            Busy: All threads are taken.
        """
        done: asyncio.Future[T] = self._loop.create_future()

        def resolve(method: Callable[[Any], None], value: Any) -> None:
            if not done.done():
                method(value)

        def body() -> None:
            try:
                result = work()
            except BaseException as error:
                self._post(resolve, done.set_exception, error)
            else:
                self._post(resolve, done.set_result, result)

        self._start(body, "work")
        try:
            return await done
        except asyncio.CancelledError:
            cancel()
            raise

    async def iterate(
        self, make: Callable[[], Iterator[T]], *, depth: int, cancel: Callable[[], None]
    ) -> AsyncGenerator[T, None]:
        """Run an iterator in a thread and yield its items.

        Args:
            make: Called in the thread, to get the iterator.
            depth: How many items may wait for the reader before the thread blocks.
            cancel: Called when the reader leaves early. It must make the
                iterator end soon.

        Raises:
            Busy: All threads are taken. Exceptions of the iterator are raised too.
        """
        items: asyncio.Queue[Any] = asyncio.Queue()
        room = threading.Semaphore(depth)
        left = threading.Event()

        def body() -> None:
            end: Any = _END
            try:
                for item in make():
                    room.acquire()
                    if left.is_set():
                        return
                    if not self._post(items.put_nowait, item):
                        return
            except BaseException as error:
                end = _Failure(error)
            self._post(items.put_nowait, end)

        self._start(body, "stream")
        whole = False
        try:
            while True:
                item = await items.get()
                if item is _END:
                    whole = True
                    return
                if isinstance(item, _Failure):
                    whole = True
                    raise item.error
                room.release()
                yield item
        finally:
            if not whole:
                left.set()
                cancel()
                room.release()

    def _start(self, body: Callable[[], None], name: str) -> None:
        if self._running >= self._limit:
            raise Busy(
                f"All {self._limit} threads of the service are busy; try again.",
                retry_after=1.0,
            )

        def run() -> None:
            try:
                body()
            finally:
                self._post(self._ended)

        self._running += 1
        try:
            threading.Thread(target=run, name=f"ops_service-{name}", daemon=True).start()
        except RuntimeError as error:
            self._running -= 1
            raise Busy("The system refused a thread; try again.", retry_after=1.0) from error

    def _ended(self) -> None:
        self._running -= 1

    def _post(self, callback: Callable[..., object], *args: Any) -> bool:
        return post(self._loop, callback, *args)


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error
