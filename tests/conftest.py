"""Load the fixture plugins, one topic a file, and print what is under test."""

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

# On a busy machine any example can be slow.
hypothesis.settings.register_profile("ops_service", deadline=None)
hypothesis.settings.load_profile("ops_service")

pytest_plugins = sorted(path.stem for path in Path(__file__).parent.glob("fix_*.py"))
# All in one call, because the plugins import each other.
pytest.register_assert_rewrite(*pytest_plugins)


def pytest_configure() -> None:
    # A shell starts its background jobs with Ctrl-C ignored. Children inherit an
    # ignored signal, but not a handler.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart() -> None:
    # Without a walker, tests are skipped. A walker that is there and does not run is
    # stale or broken, and would silently skip half of the tests.
    place = find_spec("ops_service.heap._walker")
    # find_spec also finds the folder of the walker's sources, but without an origin.
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
