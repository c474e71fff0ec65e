"""An exception that evaluated code raised, as bounded text that shows its source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from ops_service.repl.interruption import EvaluationInterrupted
from ops_service.repl.namespace import Console
from ops_service.repl.text import bounded_message, cut
from ops_service.repl.types import type_name

_HERE = os.path.dirname(__file__) + os.sep


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception, as bounded text."""

    type_name: str
    message: str
    traceback: str


def describe(error: BaseException, console: Console, limit: int) -> Raised:
    """Describe an exception.

    Formats with the console's private copy of `traceback`. The private `linecache` of
    that copy holds the evaluated sources, so they never enter the process's own cache.

    Args:
        limit: Maximum bytes of UTF-8 of each text.
    """
    name = cut(type_name(type(error)), limit)[0]
    try:
        message = bounded_message(error, limit)
    except EvaluationInterrupted:
        raise
    except BaseException as second:
        message = f"<its text raised {type_name(type(second))}>"
    try:
        text = _joined(_pieces(error, console), limit)
    except EvaluationInterrupted:
        raise
    except BaseException as second:
        text = f"<its traceback raised {type_name(type(second))}>"
    return Raised(name, message, cut(text, limit)[0])


def _pieces(error: BaseException, console: Console) -> Iterator[str]:
    module: Any = console.copy_of("traceback")
    frames = _own_frames(error.__traceback__)
    shown = module.TracebackException(type(error), error, frames, compact=True)
    pieces: Iterator[str] = shown.format()
    return pieces


def _joined(pieces: Iterator[str], limit: int) -> str:
    kept: list[str] = []
    length = 0
    for piece in pieces:
        kept.append(piece)
        length += len(piece)
        if length > limit:
            break
    return "".join(kept)


def _own_frames(frames: TracebackType | None) -> TracebackType | None:
    """The traceback without the leading frames of this package."""
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_HERE):
        frames = frames.tb_next
    return frames
