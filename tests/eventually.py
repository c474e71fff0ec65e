"""Waiting for facts: nothing in the tests sleeps and hopes, in the host process neither."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    fact: Callable[[], T],
    what: str | Callable[[], object] = "it did not come true",
    *,
    within: float = 60.0,
    pause: float = 0.01,
) -> T:
    """Return what a fact is, once it is true. It is asked at once, and then again and again.

    Args:
        fact: Asks for it. What it raises ends the wait.
        what: What to say if it does not come true; a function is asked then, and can
            say how far it came.
        within: Seconds, after which the fact is asked for the last time.
        pause: Seconds between two questions.

    Raises:
        AssertionError: It did not come true in time.
    """
    end = time.monotonic() + within
    while True:
        # Asked once more behind the end: this process may have stood still until then.
        is_last = time.monotonic() > end
        if found := fact():
            return found
        if is_last:
            said = what() if callable(what) else what
            raise AssertionError(f"{said} (within {within:g} s)")
        time.sleep(pause)
