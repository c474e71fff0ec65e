"""Reject impossible times and numbers of a file before they are used."""

from __future__ import annotations

import numpy as np
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from numpy.typing import NDArray

from ops_client.errors import CorruptHeapGraphFile

_MAX_FIGURE = 2**63 - 1
# The ranges that protobuf defines: the years 1 to 9999, and that many seconds either way.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_MAX_SECONDS = 315_576_000_000
_SECOND = 10**9


def check_figures(message: Message) -> None:
    """Range-check the times and numbers in a header or trailer, recursively.

    Raises:
        CorruptHeapGraphFile: A time is invalid, or a number exceeds 63 bits.
    """
    for field, value in message.ListFields():
        is_single = isinstance(value, (Message, int, float, str, bytes))
        for each in [value] if is_single else value:
            if isinstance(each, (Timestamp, Duration)):
                if not _is_time(each):
                    raise CorruptHeapGraphFile(f"its {field.name} is not a valid time.")
            elif isinstance(each, Message):
                check_figures(each)
            elif isinstance(each, int) and each > _MAX_FIGURE:
                raise CorruptHeapGraphFile(f"its {field.name} exceeds any memory.")


def _is_time(each: Timestamp | Duration) -> bool:
    """Whether a time is within protobuf's bounds. Not every release of it checks them."""
    seconds, nanos = each.seconds, each.nanos
    if isinstance(each, Timestamp):
        return _FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos < _SECOND
    return abs(seconds) <= _MAX_SECONDS and abs(nanos) < _SECOND and seconds * nanos >= 0


def check_sizes(sizes: NDArray[np.uint64], extra_sizes: NDArray[np.uint32]) -> None:
    """Check that the sum of the sizes fits into 63 bits.

    Raises:
        CorruptHeapGraphFile: Their sum exceeds 63 bits.
    """
    # Close enough, and it cannot wrap.
    total = sizes.sum(dtype=np.float64) + extra_sizes.sum(dtype=np.float64)
    if total >= _MAX_FIGURE:
        raise CorruptHeapGraphFile("its sizes exceed any memory.")
