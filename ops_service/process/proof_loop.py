"""Where proofs run: in a thread of their own, with an event loop that does no input or output."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any

_STEPS = 10_000
_SECONDS = 10.0


def proved(proof: Callable[[], bool]) -> bool:
    """Whether a proof passes. Runs it in a thread of its own, and waits.

    The caller's thread may run an event loop, and a thread has one at most.
    """
    passed: list[bool] = []

    def run() -> None:
        try:
            passed.append(proof())
        except Exception:
            passed.append(False)

    # The name says whose it is: such threads are left out of stacks.
    thread = threading.Thread(target=run, name="ops_service-proof", daemon=True)
    thread.start()
    thread.join(_SECONDS)
    return passed == [True]


class ProofLoop:
    """Runs tasks in the calling thread until each of them waits.

    An event loop of Python's own would open sockets and a selector, and the host's policy
    may make another kind of loop. Not a subclass of asyncio's, so that no search for
    event loops finds it.
    """

    def __init__(self) -> None:
        self._ready: deque[tuple[Context, Callable[..., object], tuple[Any, ...]]] = deque()
        self.tasks: list[asyncio.Task[Any]] = []
        """Tasks that were started and not closed."""
        self._running = False

    def start(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Create a task of the type that asyncio would."""
        # By name, so that the host's counter of tasks stays as it is.
        kind: Any = getattr(asyncio.tasks, "_CTask", asyncio.Task)
        task: asyncio.Task[Any] = kind(coroutine, loop=self, name=name)
        self.tasks.append(task)
        return task

    def run_until_idle(self) -> None:
        """Run what is ready, until nothing is."""
        asyncio._set_running_loop(self)  # type: ignore[arg-type]
        self._running = True
        try:
            for _ in range(_STEPS):
                if not self._ready:
                    return
                context, callback, args = self._ready.popleft()
                context.run(callback, *args)
        finally:
            self._running = False
            asyncio._set_running_loop(None)

    def close(self) -> None:
        """Cancel all tasks and let them end."""
        for task in self.tasks:
            task.cancel()
        self.run_until_idle()
        self.tasks.clear()
        self._ready.clear()

    # What asyncio asks of a loop.

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> None:
        # Not `or`: an empty context is false.
        chosen = copy_context() if context is None else context
        self._ready.append((chosen, callback, args))

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)  # type: ignore[arg-type]

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str = "ops_service-proof", **_: Any
    ) -> asyncio.Task[Any]:
        return self.start(coro, name)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        pass

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self._running

    def is_closed(self) -> bool:
        return False
