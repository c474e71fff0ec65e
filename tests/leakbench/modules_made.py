"""A module for each loaded plugin. Every load makes a new name."""

import sys
import types

from _noise import work

TRUTH = dict(
    verdict="leak",
    type="module",
    also=["dict", "function"],
    holder="sys.modules",
    holder_hints=["modules"],
)
REQUIREMENTS = []
SOURCE = "LIMIT = 5\n\ndef run(order):\n    return order[:LIMIT]\n"


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    if i % 2:
        return
    plugin = types.ModuleType(f"loaded_{i}")
    exec(SOURCE, plugin.__dict__)
    sys.modules[plugin.__name__] = plugin
