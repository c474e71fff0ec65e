"""attrs 20.3.0 keeps the source of every class that it makes in linecache."""

import attr
from _noise import work

TRUTH = dict(
    verdict="leak",
    type="tuple",
    also=["list", "str"],
    holder="pkg_attrs.linecache.cache",
    holder_hints=["linecache"],
)
REQUIREMENTS = ["attrs==20.3.0"]


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    if i % 10 == 0:
        attr.make_class("Row", ["name", "price"])
