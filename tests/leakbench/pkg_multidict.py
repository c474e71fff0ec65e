"""multidict 6.3.2 loses references in C when a CIMultiDict is made."""

import multidict
from _noise import work

# Without its C module, as on releases that it has no wheel for, it loses nothing.
from multidict import _multidict  # noqa: F401

TRUTH = dict(
    verdict="native",
    type="",
    also=[],
    holder="",
    holder_hints=[],
)
REQUIREMENTS = ["multidict==6.3.2"]


def setup() -> None:
    return None


def step(i: int) -> None:
    work(i)
    headers = multidict.CIMultiDict({"Host": "shop.example", f"X-{i}": "b"})
    headers.add("Accept", "text/html")
    list(headers.items())
    headers.copy()
