"""Slots: limits on the number of concurrent calls, in total and for each principal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ops_service.config.model import LimitsConfig
from ops_service.errors import Busy
from ops_service.gate.methods import Method

_RETRY_SECONDS = 1.0


class Admission:
    """Counts running calls. Used only on the service's loop, so without locks."""

    def __init__(self, limits: LimitsConfig) -> None:
        self._limits = limits
        self._health: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()
        self._streams: Counter[str] = Counter()

    @contextmanager
    def slot(self, principal: str, method: Method) -> Iterator[None]:
        """Hold a slot for one call.

        Raises:
            Busy: No slot is free. Names the limit.
        """
        limits = self._limits
        if method.is_health:
            self._refuse_if(self._health.total(), limits.health_calls, "health checks")
            # A caller that never hangs up must not block the probes of others.
            half = max(1, limits.health_calls // 2)
            self._refuse_if(self._health[principal], half, "of your health checks")
            held = [self._health]
        else:
            self._refuse_if(self._calls.total(), limits.calls, "calls in total")
            self._refuse_if(self._calls[principal], limits.calls_per_principal, "of your calls")
            held = [self._calls]
            if method.server_streaming:
                self._refuse_if(
                    self._streams[principal], limits.streams_per_principal, "of your streams"
                )
                held.append(self._streams)
        for counter in held:
            counter[principal] += 1
        try:
            yield
        finally:
            for counter in held:
                counter[principal] -= 1
                # Remove names without calls: callers choose names.
                if not counter[principal]:
                    del counter[principal]

    @staticmethod
    def _refuse_if(count: int, limit: int, what: str) -> None:
        if count >= limit:
            raise Busy(
                f"{count} {what} are running, which is the limit; end one, or try again.",
                retry_after=_RETRY_SECONDS,
            )
