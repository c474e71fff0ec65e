"""Limits on callers: the table ``limits`` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsConfig:
    """Limits on the resources that callers use."""

    calls: int = 32
    """Concurrent calls, without health checks."""
    calls_per_principal: int = 8
    """Concurrent calls of one principal, without health checks."""
    streams_per_principal: int = 4
    """Concurrent streaming calls of one principal; they count as calls too."""
    calls_per_second: float = 100.0
    """Calls of one principal a second, granted or refused. Health checks have a separate
    allowance of the same size. A burst may be twice as large."""
    health_calls: int = 16
    """Concurrent health checks. Only they use these slots, and one caller gets at most half."""
    connections: int = 128
    """Concurrent connections of all callers, including those in a handshake. Further ones are
    closed immediately."""
    idle_seconds: float = 600.0
    """Seconds without a call after which a connection is closed."""
    request_bytes: int = 2 << 20
    """Maximum size of a request message."""
    metadata_bytes: int = 8 << 10
    """Maximum size of a call's metadata, as HTTP/2 counts it."""
    request_seconds: float = 10.0
    """Seconds that a caller may take to send its request once the call is open."""
    stall_seconds: float = 20.0
    """Seconds that a caller may leave a message of a stream unread."""

    def bounds(self) -> list[tuple[str, float, float, float]]:
        """Each key with its value and its minimum and maximum."""
        return [
            ("limits.calls", self.calls, 1, 1000),
            ("limits.calls_per_principal", self.calls_per_principal, 1, 1000),
            ("limits.streams_per_principal", self.streams_per_principal, 1, 1000),
            ("limits.calls_per_second", self.calls_per_second, 0.1, 100_000),
            ("limits.health_calls", self.health_calls, 1, 1000),
            ("limits.connections", self.connections, 4, 10_000),
            ("limits.idle_seconds", self.idle_seconds, 1, 86_400),
            # EvaluateCode takes 1 MiB of source.
            ("limits.request_bytes", self.request_bytes, 1 << 10, 16 << 20),
            ("limits.metadata_bytes", self.metadata_bytes, 1 << 10, 64 << 10),
            ("limits.request_seconds", self.request_seconds, 0.1, 600),
            ("limits.stall_seconds", self.stall_seconds, 0.1, 600),
        ]
