"""The marker no_leaks, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ops_service.heap.engine import engine_status

SUITE = """
import pytest

class Session:
    pass

kept = []
cache = {}

@pytest.fixture
def place():
    return kept

@pytest.mark.no_leaks
def test_leaks(place):
    place.append(Session())

@pytest.mark.no_leaks
def test_fills_a_cache():
    cache[len(cache) % 7] = Session()

@pytest.mark.no_leaks(samples=2)
def test_asks_for_too_little():
    pass

def test_unmarked():
    kept.append(Session())
"""


@pytest.mark.long
@pytest.mark.skipif(not engine_status().available, reason="no snapshot engine")
def test_a_test_that_leaks_fails_with_its_suspect(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(SUITE)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "2 failed, 2 passed" in run.stdout, run.stdout
    assert "test_some.Session: 1 a run" in run.stdout
    assert "test_some.kept" in run.stdout
    assert "samples from 8" in run.stdout
