"""A WSGI application that keeps every visit: gunicorn -c gunicorn.conf.py leaky_wsgi:app"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


class Visit:
    """One request for a page."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.trail = [path] * 20


class Statistics:
    """Statistics for the marketing department."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []


statistics = Statistics()


def app(environment: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer every request, and remember it."""
    statistics.visits += [Visit(environment["PATH_INFO"]) for _ in range(500)]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello\n"]
