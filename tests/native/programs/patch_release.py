"""Runs in an interpreter of another patch release than the walker's build."""

from __future__ import annotations

from typing import Any

from ops_service.errors import OpsServiceError
from ops_service.heap import engine
from ops_service.heap.model import CaptureOptions
from ops_service.heap.snapshot import start_capture

from . import capture


class Planted:
    """The test finds it by its type."""


def running() -> str:
    import sys

    return ".".join(map(str, sys.version_info[:3]))


def allow() -> tuple[bool, str, str]:
    engine.configure(allow_other_patch_release=True)
    return capture.status()


def error_of_a_capture() -> tuple[str, str]:
    try:
        start_capture(CaptureOptions())
    except OpsServiceError as error:
        return type(error).__name__, str(error)
    return "", ""


def capture_planted() -> dict[str, Any]:
    planted = Planted()
    messages, summary = capture.snapshot()
    return {"messages": messages, "objects": summary["object_count"], "kept": planted is not None}
