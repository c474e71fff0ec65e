"""The stacks of suspended greenlets, if the greenlet package is loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from ops_service.process.sample import MEMBERS, Sample
from ops_service.process.stack_model import Member, OwnerKind

_DEEPEST = 1000

# There is no list of greenlets, so the search reads the collector's lists and holds
# the GIL.
_PAUSE_SECONDS = 0.05


# Takes a type, and the seconds for which it may stop the process. Returns the instances,
# and the reason if some are missing.
FindInstances = Callable[[type, float], tuple[list[Any], str | None]]


def sample_greenlets(sample: Sample, find_instances: FindInstances) -> None:
    """Add the stacks of all suspended greenlets to a sample."""
    package = sys.modules.get("greenlet")
    kind = getattr(package, "greenlet", None)
    if not isinstance(kind, type):
        return
    found, shortfall = find_instances(kind, _PAUSE_SECONDS)
    if shortfall is not None:
        sample.warnings.append(f"Greenlets are missing. {shortfall}")
    for each in found:
        _sample_greenlet(sample, each)
        sample.yield_gil()


def _sample_greenlet(sample: Sample, greenlet: Any) -> None:
    frame: FrameType | None = greenlet.gr_frame
    if frame is None:
        # It runs and is on the stack of its thread, or has ended, or has not begun.
        return
    key: list[int] = []
    while frame is not None and len(key) < 2 * _DEEPEST:
        sample.codes[id(frame.f_code)] = frame.f_code
        key[:0] = (id(frame.f_code), frame.f_lasti)
        frame = frame.f_back
    group = sample.add(OwnerKind.GREENLET, tuple(key), id(greenlet))
    if len(group.members) < MEMBERS:
        kind = type(greenlet)
        name = f"{kind.__module__}.{kind.__qualname__}"
        group.members.append(Member(id(greenlet), name, id(greenlet)))
