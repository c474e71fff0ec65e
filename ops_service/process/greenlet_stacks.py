"""The stacks of suspended greenlets, if the greenlet package is loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
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


_CANNOT_SEE = (
    "Greenlets cannot be seen in this process: one of the service's own was not found, or its "
    "stack was not read right. Greenlets are missing."
)


def sample_greenlets(sample: Sample, find_instances: FindInstances) -> None:
    """Add the stacks of all suspended greenlets to a sample."""
    package = sys.modules.get("greenlet")
    kind = getattr(package, "greenlet", None)
    if not isinstance(kind, type):
        return
    if not _sees(kind, find_instances):
        sample.warnings.append(_CANNOT_SEE)
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
    for each in _stack(frame):
        sample.codes[id(each.f_code)] = each.f_code
        key[:0] = (id(each.f_code), each.f_lasti)
    group = sample.add(OwnerKind.GREENLET, tuple(key), id(greenlet))
    if len(group.members) < MEMBERS:
        kind = type(greenlet)
        name = f"{kind.__module__}.{kind.__qualname__}"
        group.members.append(Member(id(greenlet), name, id(greenlet)))


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of a suspended greenlet, innermost first."""
    for _ in range(_DEEPEST):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


@cache
def _sees(kind: Any, find_instances: FindInstances) -> bool:
    """Whether a greenlet of our own is found and read right. Costs one search, once."""

    def inner() -> None:
        own.parent.switch()

    def outer() -> None:
        inner()

    own = kind(outer)
    own.switch()
    try:
        found, shortfall = find_instances(kind, _PAUSE_SECONDS)
        codes = [each.f_code for each in _stack(own.gr_frame)]
        # A search that was cut short proves nothing, and says so itself.
        seen = shortfall is not None or any(each is own for each in found)
        return seen and codes == [inner.__code__, outer.__code__]
    except Exception:
        return False
    finally:
        own.switch()
