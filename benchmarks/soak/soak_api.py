"""A FastAPI application with tasks and an expiring cache, served by uvicorn in a soak."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from fastapi import FastAPI, HTTPException

from ops_service.integrations import asgi


@dataclass
class Line:
    """A line of an order."""

    item: str
    count: int = 1


@dataclass
class Order:
    """A posted order."""

    number: int
    lines: list[Line]


app = FastAPI(lifespan=asgi.lifespan())
TASKS: set[asyncio.Task[None]] = set()
CACHE: dict[int, tuple[float, Order]] = {}
CACHE_SECONDS = 5.0


async def notify(order: Order) -> None:
    """Continue to work after the answer."""
    await asyncio.sleep(0.2)


@app.post("/orders")
async def place(order: Order) -> dict[str, int]:
    """Accept an order."""
    now = time.monotonic()
    CACHE[order.number] = (now + CACHE_SECONDS, order)
    for number in [number for number, (until, _) in CACHE.items() if until < now]:
        del CACHE[number]
    task = asyncio.create_task(notify(order))
    TASKS.add(task)
    task.add_done_callback(TASKS.discard)
    return {"lines": len(order.lines)}


@app.get("/orders/{number}")
async def find(number: int) -> Order:
    """Return an order, if it has not expired."""
    try:
        return CACHE[number][1]
    except KeyError:
        raise HTTPException(404) from None
