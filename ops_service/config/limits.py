"""What bounds callers: the table ``limits`` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsConfig:
    """Bounds on what callers can take up."""

    calls: int = 32
    """Calls at once, health checks aside."""
    calls_per_principal: int = 8
    """Calls of one principal at once, health checks aside."""
    streams_per_principal: int = 4
    """Streaming calls of one principal at once; they count as calls too."""
    calls_per_second: float = 100.0
    """Calls of one principal a second, whether granted or refused, and as many health
    checks. Twice as many may come at once."""
    health_calls: int = 16
    """Health checks at once. This room is theirs alone, and half of it one caller's."""
    connections: int = 128
    """Connections at once, of all callers, those whose handshake is under way
    included. Further ones are closed at once."""
    idle_seconds: float = 600.0
    """After how long without a call a connection is closed."""
    request_bytes: int = 2 << 20
    """Largest request message."""
    metadata_bytes: int = 8 << 10
    """Largest metadata of a call, as HTTP/2 counts it."""
    request_seconds: float = 10.0
    """How long a caller may take to send its request once the call is open."""
    stall_seconds: float = 20.0
    """How long a caller may leave a message of a stream unread."""

    def bounds(self) -> list[tuple[str, float, float, float]]:
        """Each key with its value, and the least and the most that it may be."""
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
