"""How long the tests' captures may take. The child has the lowest priority on a machine
that the tests keep busy."""

from __future__ import annotations

from ops_service.heap.model import CaptureOptions

PATIENCE = 120.0
PATIENT = CaptureOptions(lifetime_limit=PATIENCE)
