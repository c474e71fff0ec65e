"""Figures of a file that nothing can mean, refused before anybody counts with them."""

from __future__ import annotations

import numpy as np
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from numpy.typing import NDArray

from ops_client.errors import CorruptHeapGraphFile

_MAX_FIGURE = 2**63 - 1
# The years 1 to 9999, and as many seconds either way: what protobuf gives them a meaning for.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_MAX_SECONDS = 315_576_000_000
_SECOND = 10**9


def check_figures(message: Message) -> None:
    """Look at the times and numbers of a header or trailer, and all below it.

    Raises:
        CorruptHeapGraphFile: A time is no time, or a number is beyond 63 bits.
    """
    for field, value in message.ListFields():
        is_single = isinstance(value, (Message, int, float, str, bytes))
        for each in [value] if is_single else value:
            if isinstance(each, (Timestamp, Duration)):
                if not _is_time(each):
                    raise CorruptHeapGraphFile(f"its {field.name} is no time.")
            elif isinstance(each, Message):
                check_figures(each)
            elif isinstance(each, int) and each > _MAX_FIGURE:
                raise CorruptHeapGraphFile(f"its {field.name} is beyond any memory.")


def _is_time(each: Timestamp | Duration) -> bool:
    """By the bounds of protobuf, which not every release of it looks at."""
    seconds, nanos = each.seconds, each.nanos
    if isinstance(each, Timestamp):
        return _FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos < _SECOND
    return abs(seconds) <= _MAX_SECONDS and abs(nanos) < _SECOND and seconds * nanos >= 0


def check_sizes(sizes: NDArray[np.uint64], extra_sizes: NDArray[np.uint32]) -> None:
    """Look whether sizes can be summed up.

    Raises:
        CorruptHeapGraphFile: Their sum is beyond 63 bits.
    """
    # Close enough, and it cannot wrap.
    total = sizes.sum(dtype=np.float64) + extra_sizes.sum(dtype=np.float64)
    if total >= _MAX_FIGURE:
        raise CorruptHeapGraphFile("its sizes are beyond any memory.")
