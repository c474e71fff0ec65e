"""Runs in an interpreter of another patch release than the walker's build."""

from __future__ import annotations

from typing import Any

from . import capture


class Planted:
    """The test finds it by its type."""


def running() -> str:
    import sys

    return ".".join(map(str, sys.version_info[:3]))


def capture_planted() -> dict[str, Any]:
    planted = Planted()
    messages, summary = capture.snapshot()
    return {"messages": messages, "objects": summary["object_count"], "kept": planted is not None}
