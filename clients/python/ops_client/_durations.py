"""Convert seconds to protobuf durations."""

from __future__ import annotations

from google.protobuf import duration_pb2


def to_duration(seconds: float | None) -> duration_pb2.Duration | None:
    """Convert seconds to a Duration. None stays None: the field is not set."""
    if seconds is None:
        return None
    duration = duration_pb2.Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration
