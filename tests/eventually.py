"""Wait for facts: no test sleeps and hopes, nor does the host process."""

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
    """Poll a fact until it is true, and return its value. The first poll is immediate.

    Args:
        fact: Returns the value. An exception that it raises ends the wait.
        what: The message if the wait times out. A function is called at that moment,
            and can report how far the fact came.
        within: Seconds until the last poll.
        pause: Seconds between two polls.

    Raises:
        AssertionError: The fact did not come true in time.
    """
    end = time.monotonic() + within
    while True:
        # Poll once more after the deadline: this process may have stood still until then.
        is_last = time.monotonic() > end
        if found := fact():
            return found
        if is_last:
            said = what() if callable(what) else what
            raise AssertionError(f"{said} (within {within:g} s)")
        time.sleep(pause)
