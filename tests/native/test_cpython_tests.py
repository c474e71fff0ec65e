"""CPython's own tests as hosts: what they do to objects, frames and the collector."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops_service.heap.engine import engine_status

PROGRAM = Path(__file__).with_name("programs") / "cpython_tests.py"
CAPTURES = int(os.environ.get("OPS_WALKER_CAPTURES", "2"))
# A test that runs, and captures beside it on a busy machine.
WITHIN = 240 + 6 * CAPTURES
# It counts what all threads allocate, so it fails beside any other thread.
COUNTS_ALL_THREADS = "test.test_gc.GCTests.test_get_count"


@pytest.mark.long
@pytest.mark.timeout(WITHIN + 60)
@pytest.mark.skipif(not engine_status().available, reason=engine_status().reason)
@pytest.mark.parametrize(
    "module", ["test_gc", "test_frame", "test_asyncio", "test_generators", "test_dict", "test_set"]
)
def test_captures_amid_a_test_of_cpython(module: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("test") is None or not importlib.util.find_spec(f"test.{module}"):
        pytest.skip("this Python comes without its tests")
    done = subprocess.run(
        [sys.executable, PROGRAM, module, str(CAPTURES), str(WITHIN)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["refusals"] == []
    assert found["captures"] == CAPTURES
    assert found["runs"] > 0
    assert set(found["failed_amid_captures"]) <= {COUNTS_ALL_THREADS}
