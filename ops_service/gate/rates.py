"""How many calls a second a caller may make: a bucket of tokens for each."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

# Callers choose their names, so what is kept of them is bounded, and its size too.
MOST_CALLERS = 1024
_NAME_LENGTH = 256

# A caller in excess is recorded this often, with the number of its calls.
_RECORD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Excess:
    """A call that came too soon."""

    retry_after: float
    """Seconds until there is room for it."""
    calls: int
    """How many calls of this caller were refused since the last of them was recorded,
    this one included. 0 if this one is not to be recorded by itself."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float
    refused: int = 0
    recorded_at: float = float("-inf")


class Rates:
    """Used on the service's loop alone, so without locks.

    Args:
        per_second: How many calls a second a caller may make. Twice as many may come
            at once.
    """

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._most = max(1.0, 2 * per_second)
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str) -> Excess | None:
        """Count a call. None if it may go on."""
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
                # Who has been silent for longest has the fullest bucket.
                self._buckets.popitem(last=False)
            bucket = self._buckets[name] = _Bucket(self._most, now)
        self._buckets.move_to_end(name)
        return bucket
