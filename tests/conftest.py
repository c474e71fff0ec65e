"""Loads the fixture plugins, one topic a file, and prints what is under test."""

from __future__ import annotations

import platform
import signal
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest

from ops_service.heap.engine import engine_status

# A busy machine makes any example slow.
hypothesis.settings.register_profile("ops_service", deadline=None)
hypothesis.settings.load_profile("ops_service")

pytest_plugins = sorted(path.stem for path in Path(__file__).parent.glob("fix_*.py"))
# At once, since they import each other.
pytest.register_assert_rewrite(*pytest_plugins)


def pytest_configure() -> None:
    # A shell starts its background jobs with Ctrl-C ignored, and children would
    # inherit that; a handler they do not.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart() -> None:
    # Tests are skipped where there is no walker. One that is there and does not run is
    # stale or broken, and would take half of the tests along in silence.
    place = find_spec("ops_service.heap._walker")
    # The folder of its sources is found too, without an origin.
    if place and place.origin and not engine_status().available:
        pytest.exit(f"The walker is installed and does not run: {engine_status().reason}", 3)


def pytest_report_header() -> list[str]:
    engine = engine_status()
    if engine.available:
        place = find_spec("ops_service.heap._walker")
        walker = f"compiled for {engine.compiled_for}, {place.origin if place else 'nowhere'}"
    else:
        walker = f"unavailable: {engine.reason}"
    return [
        f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}",
        f"grpcio {version('grpcio')}, protobuf {version('protobuf')}",
        f"walker: {walker}",
    ]
