"""Rate limit of calls: a token bucket for each caller."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

# Callers choose their names, so the number and the size of kept names are bounded.
MOST_CALLERS = 1024
_NAME_LENGTH = 256

# A caller over the limit is recorded this often, with the number of its refused calls.
_RECORD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Excess:
    """A call over the rate limit."""

    retry_after: float
    """Seconds until there is room for it."""
    calls: int
    """Number of this caller's calls refused since the last record, including this one. 0 if
    this call gets no record."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float
    refused: int = 0
    recorded_at: float = float("-inf")


class Rates:
    """Token buckets of all callers. Used only on the service's loop, so without locks.

    Args:
        per_second: Calls a second that a caller may make. A burst may be twice as
            large.
    """

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._most = max(1.0, 2 * per_second)
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str) -> Excess | None:
        """Count a call. Return None if it may proceed."""
        now = time.monotonic()
        bucket = self._bucket(name[:_NAME_LENGTH], now)
        bucket.tokens += (now - bucket.filled_at) * self._per_second
        bucket.tokens = min(bucket.tokens, self._most)
        bucket.filled_at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return None
        bucket.refused += 1
        told = 0
        if now - bucket.recorded_at >= _RECORD_SECONDS:
            told, bucket.refused, bucket.recorded_at = bucket.refused, 0, now
        return Excess((1 - bucket.tokens) / self._per_second, told)

    def _bucket(self, name: str, now: float) -> _Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= MOST_CALLERS:
                # The caller that has been silent longest has the fullest bucket.
                self._buckets.popitem(last=False)
            bucket = self._buckets[name] = _Bucket(self._most, now)
        self._buckets.move_to_end(name)
        return bucket
