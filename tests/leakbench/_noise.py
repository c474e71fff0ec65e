"""Background work of the scenarios: short-lived objects, and a number that rises and falls.

Each step parses a document and keeps its rows for a while. The number of guests rises and
falls in two waves of different length.
"""

import json
from collections import deque

SHORT_WAVE, LONG_WAVE = 61, 590
_rows: deque = deque(maxlen=50)
_guests: deque = deque()
_templates: dict = {}


class Guest:
    """A guest who stays for a while."""

    def __init__(self, number: int) -> None:
        self.visits = {"first": number, "path": [number]}


class Template:
    """Compiled once, for each of a bounded number of pages."""

    def __init__(self, number: int) -> None:
        self.parts = tuple(f"part {number} {part}" for part in range(4))


def work(step: int) -> None:
    """One step."""
    text = json.dumps([{"id": step + part, "tags": ["a", str(part)]} for part in range(6)])
    _rows.append(json.loads(text))
    page = step * 7 % 350
    if page not in _templates:
        _templates[page] = Template(page)
    _guests.append(Guest(step))
    wanted = 10 + wave(step, SHORT_WAVE) + wave(step, LONG_WAVE) // 3
    while len(_guests) > wanted:
        _guests.popleft()


def wave(step: int, period: int) -> int:
    """A triangle from 0 to half the period."""
    phase = step % period
    return min(phase, period - phase)
