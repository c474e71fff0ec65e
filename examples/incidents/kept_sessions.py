"""A service that keeps the session of everybody who ever logged in."""

from __future__ import annotations

import itertools
import time


class Session:
    """Somebody is logged in."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.cart = [user] * 20


sessions: dict[str, Session] = {}


def main() -> None:
    """Let people log in, a thousand a second, and none of them out."""
    for number in itertools.count():
        sessions[f"user-{number}"] = Session(f"user-{number}")
        if number % 100 == 0:
            time.sleep(0.1)


if __name__ == "__main__":
    main()
