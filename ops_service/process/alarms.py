"""Active alarms, kept until they are resolved."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ops_service.log import Log

_LOG = Log()


@dataclass(frozen=True, slots=True)
class Alarm:
    """A problem that exists now."""

    topic: str
    """Stable name, such as ``tls``."""
    text: str
    """One sentence that says what to do."""
    since: float
    """Unix time at which it was raised."""


class Alarms:
    """The active alarms. Safe from any thread."""

    def __init__(self, on_change: Callable[[str, Alarm | None], None]) -> None:
        """
        Args:
            on_change: Called with the topic, and the alarm or None, at each change.
        """
        self._lock = threading.Lock()
        self._standing: dict[str, Alarm] = {}
        self._on_change = on_change

    def set(self, topic: str, text: str) -> None:
        """Raise an alarm, or resolve it with an empty text. Logs each change once."""
        with self._lock:
            before = self._standing.get(topic)
            if (before.text if before else "") == text:
                return
            if text:
                self._standing[topic] = Alarm(topic, text, time.time())
            else:
                del self._standing[topic]
            now = self._standing.get(topic)
        if now is not None:
            _LOG.error("%s", text)
        else:
            _LOG.warning("resolved: %s", topic)
        self._on_change(topic, now)

    def standing(self) -> list[Alarm]:
        """All active alarms, sorted by topic."""
        with self._lock:
            return sorted(self._standing.values(), key=lambda each: each.topic)
