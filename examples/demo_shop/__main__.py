"""Run the shop until its standard input closes, with the maintenance port open.

OPS_SERVICE_CONFIG names the configuration of the port.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import threading

import ops_service
from demo_shop.catalogue import Catalogue
from demo_shop.prices import PriceFeed
from demo_shop.sessions import SessionStore
from demo_shop.web import Worker


async def run_until_input_closes(worker: Worker) -> None:
    """Serve visitors until the parent process closes the pipe to standard input."""
    loop = asyncio.get_running_loop()
    serving = loop.create_task(worker.run(), name="worker")

    def watch_input() -> None:
        # If the parent process dies, the pipe closes too.
        sys.stdin.read()
        loop.call_soon_threadsafe(serving.cancel)

    threading.Thread(target=watch_input, name="watch-input", daemon=True).start()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def main() -> None:
    chance = random.Random(2024)
    catalogue = Catalogue(100_000, chance)
    feed = PriceFeed(catalogue, chance)
    feed.start()
    worker = Worker(catalogue, SessionStore(feed), chance)
    # Code that an operator evaluates can use these names.
    with ops_service.start(namespace={"feed": feed, "worker": worker}) as port:
        print(f"listening on {port.address}", flush=True)
        asyncio.run(run_until_input_closes(worker))
    feed.stop()


if __name__ == "__main__":
    main()
