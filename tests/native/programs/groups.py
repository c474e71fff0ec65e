"""Runs in the host: captures in a control group that is nearly full."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ops_service.errors import OpsServiceError

from . import faults, life

STEP = 4 << 20


def usage(file: str) -> int:
    return int(Path(file).read_text())


def fill_to(file: str, wanted: int) -> int:
    """Allocate memory until the group uses this much. Return its usage."""
    while usage(file) < wanted:
        # Written to, so that it is resident.
        life.KEPT.append(bytearray(b"x") * STEP)
    return usage(file)


def refused() -> dict[str, Any]:
    return life.error_of_a_capture()


def press(file: str, most: int) -> dict[str, Any]:
    """Allocate memory during a capture that nobody reads, until its child ends itself."""
    running = faults.OPEN.pop()
    deadline = time.monotonic() + 60
    while running.running() and time.monotonic() < deadline:
        if usage(file) < most:
            life.KEPT.append(bytearray(b"x") * STEP)
        time.sleep(0.01)
    ended = not running.running()
    try:
        with running:
            list(running)
        found: dict[str, Any] = {"error": ""}
    except OpsServiceError as error:
        found = faults.describe(error)
    return found | {"ended_by_itself": ended}
