"""The frames in which the threads of this interpreter are now."""

from __future__ import annotations

import sys
from types import FrameType

from ops_service.heap.walker import walker
from ops_service.process.interpreters import others_exist

LEFT_OUT = (
    "Stacks of threads are missing, and tasks may be: the process has other interpreters, and "
    "without the extension of ops-service, reading stacks beside them could end it."
)
OTHERS_LEFT_OUT = (
    "The process has other interpreters. Their threads and tasks are missing, and a thread that "
    "runs code in another interpreter shows only the call that leads there."
)


def current_frames() -> dict[int, FrameType]:
    """The current frame of each thread of this interpreter, by the thread's identifier.

    ``sys._current_frames()`` makes frame objects for the threads of all interpreters. If one
    of those has its own GIL, it runs meanwhile, and the process ends by a signal.
    """
    frames: dict[int, FrameType]
    own_frames = getattr(walker, "current_frames", None)
    if own_frames is not None:
        frames = own_frames()
    else:
        frames = {} if others_exist() else sys._current_frames()
    return frames


def blind_spot() -> str | None:
    """What ``current_frames`` cannot show, as a sentence; None if it shows all."""
    if not others_exist():
        return None
    return OTHERS_LEFT_OUT if hasattr(walker, "current_frames") else LEFT_OUT
