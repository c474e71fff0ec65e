"""Loads the fixture plugins, one topic a file, and prints what is under test."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version
from pathlib import Path

from ops_service.heap.engine import engine_status

pytest_plugins = sorted(path.stem for path in Path(__file__).parent.glob("fix_*.py"))


def pytest_report_header() -> list[str]:
    engine = engine_status()
    walker = f"compiled for {engine.compiled_for}" if engine.available else engine.reason
    return [
        f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}",
        f"grpcio {version('grpcio')}, protobuf {version('protobuf')}",
        f"walker: {walker}",
    ]
