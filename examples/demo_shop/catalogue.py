"""The products of the shop: loaded once, then only read."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal

ADJECTIVES = ("plain", "striped", "heavy", "light", "folding", "woven", "tall", "small")
NOUNS = ("chair", "lamp", "kettle", "blanket", "shelf", "clock", "basket", "mirror")


@dataclass(slots=True)
class Product:
    """A product for sale."""

    number: int
    title: str
    price: Decimal
    tags: tuple[str, ...]
    stock: dict[str, int] = field(default_factory=dict)


class Catalogue:
    """All products, by number and by tag."""

    def __init__(self, size: int, chance: random.Random) -> None:
        self.products: dict[int, Product] = {}
        self.by_tag: dict[str, list[Product]] = {tag: [] for tag in ADJECTIVES + NOUNS}
        for number in range(size):
            tags = (chance.choice(ADJECTIVES), chance.choice(NOUNS))
            product = Product(
                number,
                f"{tags[0].title()} {tags[1]} no. {number}",
                Decimal(chance.randrange(100, 100_000)) / 100,
                tags,
                {warehouse: chance.randrange(50) for warehouse in ("north", "south")},
            )
            self.products[number] = product
            for tag in tags:
                self.by_tag[tag].append(product)
