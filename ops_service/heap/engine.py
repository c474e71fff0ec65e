"""Whether the native walker can run on this interpreter."""

from __future__ import annotations

from ops_service.heap.model import EngineStatus


def engine_status() -> EngineStatus:
    """Tell whether the native engine can run here. Cheap after the first call."""
    return EngineStatus(False, "The native walker is not installed.", "")
