"""The marker no_leaks in a separate pytest: the newest, and the oldest supported release."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ops_service.heap.engine import engine_status

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = {
    "newest": Path(sys.executable),
    # pytest 7.0 and pluggy 1.0. `make test` installs them if there is CPython 3.11.
    "oldest": ROOT / ".venv/oldest-pytest/bin/python",
}

UNMARKED = """
import sys

def test_passes():
    assert sum([1, 1]) == 2

def test_fails():
    assert sum([1, 1]) == 3

def test_what_the_plugin_imported():
    ours = [name for name in sys.modules if name.startswith("ops_service")]
    assert set(ours) == {"ops_service", "ops_service.version", "ops_service.pytest_plugin"}
    assert {"grpc", "google", "objgraph"} & set(sys.modules) == set()
"""

MARKED = """
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

runs = []

@pytest.mark.no_leaks
def test_fails_by_itself():
    runs.append(1)
    assert sum([1]) == 2

def test_unmarked():
    kept.append(Session())
    assert len(runs) == 1
"""


@pytest.fixture(params=PYTHONS)
def python(request: pytest.FixtureRequest) -> Path:
    found: Path = PYTHONS[request.param]
    if not found.exists():
        pytest.skip(f"{found.parent.parent} is not installed, which make test does")
    return found


def run(python: Path, suite: str, directory: Path) -> str:
    """Run a suite with warnings as errors. Return what pytest printed."""
    (directory / "test_some.py").write_text(suite)
    # With its own ini file, pytest does not search the parent directories.
    (directory / "pytest.ini").write_text("[pytest]\n")
    # Old releases of pytest themselves warn about an editable install.
    editable = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
    options = ["-q", "--strict-markers", "-p", "no:cacheprovider", "-W", "error", "-W", editable]
    done = subprocess.run(
        [python, "-m", "pytest", *options, "."],
        cwd=directory,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_a_run_that_did_not_ask_for_it(python: Path, tmp_path: Path) -> None:
    printed = run(python, UNMARKED, tmp_path)
    assert "1 failed, 2 passed" in printed, printed
    assert "assert 2 == 3" in printed


@pytest.mark.long
@pytest.mark.skipif(not engine_status().available, reason="no snapshot engine")
def test_a_test_that_leaks_fails_with_its_suspect(python: Path, tmp_path: Path) -> None:
    printed = run(python, MARKED, tmp_path)
    assert "3 failed, 2 passed" in printed, printed
    assert "test_some.Session: 1 a run" in printed
    assert "test_some.kept" in printed
    assert "samples from 8" in printed
    assert "assert 1 == 2" in printed
    # pluggy warns about wrappers that raise.
    assert "PluggyTeardownRaisedWarning" not in printed


CLIENT = """
import pytest

class Client:
    def post(self, path, data):
        return path, data

@pytest.fixture
def client():
    return Client()
"""


@pytest.mark.long
@pytest.mark.skipif(not engine_status().available, reason="no snapshot engine")
def test_the_test_of_the_page_on_leaks(python: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs/how-to/leaks.md").read_text()
    (suite,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "conftest.py").write_text(CLIENT)
    printed = run(python, suite, tmp_path)
    assert "1 passed" in printed, printed
