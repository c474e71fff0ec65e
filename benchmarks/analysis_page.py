"""Measure how long Chromium takes to draw a page of `opsctl heap report`."""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"


def seconds_to_draw(page: Path) -> float | None:
    """Return the seconds from navigation to the second frame with the map in it.

    Returns None if Chromium is not installed. Its own start does not count.
    """
    if not shutil.which("chromium"):
        return None
    sys.path.append(str(TESTS))
    chromium = importlib.import_module("browser.chromium").chromium
    with tempfile.TemporaryDirectory() as profile, chromium(Path(profile)) as browser:
        # The first page waits until Chromium has loaded its own parts.
        browser.open(TESTS / "node/package.json")
        began = time.perf_counter()
        browser.open(page)
        browser.wait_for_frames(2)
        seconds = time.perf_counter() - began
        assert browser.value("document.querySelectorAll('#map .cell').length") > 0
    return seconds
