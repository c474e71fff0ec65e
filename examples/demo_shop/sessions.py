"""Sessions of visitors. A session ends a few seconds after its last page."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from decimal import Decimal

from demo_shop.catalogue import Product
from demo_shop.prices import PriceFeed


@dataclass
class Cart:
    """The products that a visitor wants to buy."""

    products: dict[int, Product] = field(default_factory=dict)
    total: Decimal = Decimal(0)

    def add(self, product: Product) -> None:
        """Put a product into the cart."""
        self.products[product.number] = product
        self.reprice(product)

    def reprice(self, product: Product) -> None:
        """Compute the total again if the cart contains the product with the new price."""
        if product.number in self.products:
            self.total = sum((one.price for one in self.products.values()), Decimal(0))


@dataclass
class Session:
    """One visitor."""

    number: int
    last_seen: float
    cart: Cart = field(default_factory=Cart)
    viewed: list[int] = field(default_factory=list)


class SessionStore:
    """The sessions of the current visitors."""

    lifetime = 2.0

    def __init__(self, feed: PriceFeed) -> None:
        self._feed = feed
        self._numbers = itertools.count(1)
        self.sessions: dict[int, Session] = {}

    def begin(self) -> Session:
        """Begin a session for a new visitor."""
        session = Session(next(self._numbers), time.monotonic())
        self.sessions[session.number] = session
        # This is the leak: nobody unsubscribes, so the feed keeps each cart forever,
        # long after expire() has dropped its session.
        self._feed.subscribe(session.cart.reprice)
        return session

    def expire(self) -> int:
        """Drop the sessions of visitors who left, and return how many."""
        oldest = time.monotonic() - self.lifetime
        gone = [number for number, one in self.sessions.items() if one.last_seen < oldest]
        for number in gone:
            del self.sessions[number]
        return len(gone)
