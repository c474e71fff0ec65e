"""The worker: it serves pages to visitors on an asyncio loop."""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict

from demo_shop.catalogue import Catalogue
from demo_shop.sessions import Session, SessionStore


class PageCache:
    """The most recent rendered pages. This cache grows only up to its limit."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pages: OrderedDict[int, str] = OrderedDict()

    def get(self, number: int) -> str | None:
        """Return the page if it is still cached."""
        if number in self._pages:
            self._pages.move_to_end(number)
        return self._pages.get(number)

    def put(self, number: int, page: str) -> None:
        """Cache a page, and evict the least recently used one."""
        self._pages[number] = page
        if len(self._pages) > self._size:
            self._pages.popitem(last=False)


class Worker:
    """Serves visitors until it is cancelled."""

    def __init__(self, catalogue: Catalogue, sessions: SessionStore, chance: random.Random) -> None:
        self._catalogue = catalogue
        self._sessions = sessions
        self._chance = chance
        self._pages = PageCache(500)
        self.page_count = 0

    async def run(self) -> None:
        """Admit 40 visitors per second, and expire the sessions of those who left."""
        async with asyncio.TaskGroup() as visits:
            visits.create_task(self._expire(), name="expire-sessions")
            while True:
                session = self._sessions.begin()
                visits.create_task(self._visit(session), name=f"visit-{session.number}")
                await asyncio.sleep(1 / 40)

    async def _expire(self) -> None:
        while True:
            self._sessions.expire()
            await asyncio.sleep(0.5)

    async def _visit(self, session: Session) -> None:
        for _ in range(self._chance.randrange(1, 8)):
            number = self._chance.randrange(len(self._catalogue.products))
            self._show(session, number)
            if self._chance.random() < 0.3:
                session.cart.add(self._catalogue.products[number])
            await asyncio.sleep(self._chance.uniform(0.05, 0.5))

    def _show(self, session: Session, number: int) -> str:
        session.last_seen = time.monotonic()
        session.viewed.append(number)
        self.page_count += 1
        page = self._pages.get(number)
        if page is None:
            product = self._catalogue.products[number]
            rows = "".join(f"<li>{tag}</li>" for tag in product.tags)
            page = f"<h1>{product.title}</h1><p>{product.price}</p><ul>{rows}</ul>"
            self._pages.put(number, page)
        return page
