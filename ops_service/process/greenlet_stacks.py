"""The stacks of suspended greenlets, where the greenlet package is loaded."""

from __future__ import annotations

import gc
import sys
from types import FrameType
from typing import Any

from ops_service.process.sample import MEMBERS, Sample
from ops_service.process.stack_model import Member, OwnerKind

_DEEPEST = 1000

# Nobody keeps a list of greenlets, so the collector's lists are searched. To copy
# them stops the process for some 26 ns an object, of which a quarter or so is in
# these lists.
_BLOCK_LIMIT = 4_000_000


def sample_greenlets(sample: Sample) -> None:
    """Add the stacks of all suspended greenlets to a sample."""
    package = sys.modules.get("greenlet")
    kind = getattr(package, "greenlet", None)
    if not isinstance(kind, type):
        return
    blocks = sys.getallocatedblocks()
    if blocks > _BLOCK_LIMIT:
        sample.warnings.append(
            f"Greenlets were not looked for: the heap has {blocks} blocks, and to search it "
            "would stop the process for longer than 50 ms."
        )
        return
    # Found by identity, since a collection in between moves what was seen in one
    # generation to the next. Each is kept, so that no other takes its place.
    found: dict[int, Any] = {}
    for generation in range(3):
        objects: list[Any] | None = gc.get_objects(generation)
        # Not isinstance, which asks the object itself: a proxy would wake up.
        found.update({id(each): each for each in objects or () if issubclass(type(each), kind)})
        objects = None
        sample.breathe()
    for each in found.values():
        _sample_greenlet(sample, each)
        sample.breathe()


def _sample_greenlet(sample: Sample, greenlet: Any) -> None:
    frame: FrameType | None = greenlet.gr_frame
    if frame is None:
        # It runs, and is on the stack of its thread; or it has ended or not begun.
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
