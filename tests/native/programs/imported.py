"""Which build of the walker a host imports."""

from __future__ import annotations

import importlib


def walker() -> str:
    return str(importlib.import_module("ops_service.heap._walker").__file__)
