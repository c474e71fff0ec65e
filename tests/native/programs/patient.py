"""How long captures of the tests may take: the child is the least important process
of a machine that the tests keep busy."""

from __future__ import annotations

from ops_service.heap.model import CaptureOptions

PATIENCE = 120.0
PATIENT = CaptureOptions(lifetime_limit=PATIENCE)
