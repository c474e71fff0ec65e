"""A test of CPython itself as the host, and captures of it one after the other meanwhile.

Usage: cpython_tests.py MODULE CAPTURES [SECONDS]

Runs the tests of ``test.MODULE`` again and again until that many captures of the process are
done, or until the time is over. Then runs those that failed once more, undisturbed. Prints one
JSON line: what failed only amid captures, and the captures.
"""

from __future__ import annotations

import faulthandler
import gc
import io
import json
import sys
import threading
import time
import unittest
from typing import Any

from ops_service.errors import OpsServiceError
from ops_service.heap.engine import engine_status
from ops_service.heap.model import CaptureOptions
from ops_service.heap.snapshot import start_capture

# The child has the lowest priority.
OPTIONS = CaptureOptions(lifetime_limit=120.0)


class Captures(threading.Thread):
    """Captures the process, until told to stop."""

    def __init__(self, count: int) -> None:
        super().__init__(name="captures", daemon=True)
        self.count = count
        self.stop = threading.Event()
        self.sizes: list[int] = []
        self.refusals: list[str] = []

    def run(self) -> None:
        while len(self.sizes) + len(self.refusals) < self.count and not self.stop.is_set():
            try:
                with start_capture(OPTIONS) as capture:
                    size = sum(map(len, capture))
                assert size > 100_000
                assert capture.summary.object_count > 10_000
                self.sizes.append(size)
            except (OpsServiceError, AssertionError) as error:
                self.refusals.append(f"{type(error).__name__}: {error}")


class Result(unittest.TestResult):
    """Notes what failed, and ends the run early if it is told to."""

    def __init__(self, over: threading.Thread | None) -> None:
        super().__init__()
        self._over = over
        self.failed: set[str] = set()

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        if self._over is not None and not self._over.is_alive():
            self.stop()

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        self.failed.add(test.id())

    addFailure = addError  # type: ignore[assignment]

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        if err is not None:
            self.failed.add(test.id())


def run(names: list[str], over: threading.Thread | None = None) -> Result:
    result = Result(over)
    unittest.defaultTestLoader.loadTestsFromNames(names).run(result)
    # Some of them leave the collector as they like it.
    gc.enable()
    return result


def main() -> None:
    module, count = sys.argv[1], int(sys.argv[2])
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 600.0
    faulthandler.enable()
    status = engine_status()
    if not status.available:
        raise SystemExit(status.reason)
    output, sys.stdout = sys.stdout, io.StringIO()
    captures = Captures(count)
    captures.start()
    runs, tests = 0, 0
    failed: set[str] = set()
    ends = time.monotonic() + seconds
    while captures.is_alive() and time.monotonic() < ends:
        result = run([f"test.{module}"], captures)
        failed |= result.failed
        tests += result.testsRun
        runs += 1
    captures.stop.set()
    captures.join()
    found = {
        "failed_amid_captures": sorted(failed - run(sorted(failed)).failed),
        "runs": runs,
        "tests": tests,
        "captures": len(captures.sizes),
        "refusals": captures.refusals,
    }
    print(json.dumps(found), file=output)


if __name__ == "__main__":
    main()
