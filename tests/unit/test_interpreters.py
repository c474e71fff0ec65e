"""Whether a process has another interpreter, in real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ops_service.process.interpreters import others_exist

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
try: import _interpreters
except ImportError: import _xxsubinterpreters as _interpreters
from ops_service.process.interpreters import others_exist
seen = [others_exist()]
first = _interpreters.create()
seen.append(others_exist())
second = _interpreters.create()
_interpreters.destroy(first)
seen.append(others_exist())
_interpreters.destroy(second)
seen.append(others_exist())
print(seen)
"""


def test_others_are_seen_while_they_exist() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (run.returncode, run.stdout) == (0, "[False, True, True, False]\n"), run.stderr


def test_this_process_has_one() -> None:
    assert others_exist() is False
