"""A service that keeps the session of every user who ever logged in."""

from __future__ import annotations

import itertools
import time


class Session:
    """Session of a logged-in user."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.cart = [user] * 20


sessions: dict[str, Session] = {}


def main() -> None:
    """Log in a thousand users per second, and log out none."""
    for number in itertools.count():
        sessions[f"user-{number}"] = Session(f"user-{number}")
        if number % 100 == 0:
            time.sleep(0.1)


if __name__ == "__main__":
    main()
