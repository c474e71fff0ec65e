"""FastAPI and Starlette, under any server and with any number of workers:

    app = FastAPI(lifespan=ops_service.integrations.asgi.lifespan())

An application with its own lifespan passes it on: ``lifespan(own)``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from ops_service.integrations import start_worker, stop_worker

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


def lifespan(inner: Lifespan | None = None) -> Lifespan:
    """Return a lifespan that opens the port with the application and closes it after."""

    @asynccontextmanager
    async def span(app: Any) -> AsyncIterator[Any]:
        # In a thread, so that the loop keeps running.
        await asyncio.to_thread(start_worker, "asgi worker")
        try:
            if inner is None:
                yield None
            else:
                async with inner(app) as state:
                    yield state
        finally:
            await asyncio.to_thread(stop_worker)

    return span
