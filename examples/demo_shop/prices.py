"""Price changes, and their listeners."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from decimal import Decimal

from demo_shop.catalogue import Catalogue, Product

Listener = Callable[[Product], None]


class PriceFeed(threading.Thread):
    """Changes a price from time to time and notifies its listeners."""

    def __init__(self, catalogue: Catalogue, chance: random.Random) -> None:
        super().__init__(name="price-feed", daemon=True)
        self._catalogue = catalogue
        self._chance = chance
        self._stopped = threading.Event()
        self.listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        """Notify the listener of every change from now on."""
        self.listeners.append(listener)

    def run(self) -> None:
        """Change ten prices per second until stopped."""
        while not self._stopped.wait(0.1):
            product = self._catalogue.products[self._chance.randrange(1000)]
            product.price = (product.price * Decimal("1.01")).quantize(Decimal("0.01"))
            for listener in self.listeners:
                listener(product)

    def stop(self) -> None:
        """Stop changing prices."""
        self._stopped.set()
