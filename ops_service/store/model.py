"""Plain data of the store."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def is_id(text: str) -> bool:
    """Whether a text can be the id of a snapshot or instance, and thus a file name."""
    return _ID.fullmatch(text) is not None


class SnapshotState(enum.Enum):
    """State of a stored snapshot."""

    WHOLE = "whole"
    WRITING = "writing"
    """Its capture is still running."""


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """Facts about a process that writes to the store. Times are Unix times in seconds."""

    instance_id: str
    pid: int
    host_name: str
    start_time: float | None
    """When the process started; None if the system did not report it."""
    service_start_time: float
    """When its service started."""


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """A snapshot in the store."""

    snapshot_id: str
    instance_id: str
    byte_count: int
    """Size in bytes; the bytes so far if it is being written."""
    stored_time: float
    """Unix time of the last write."""
    state: SnapshotState


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """A process that has files in the store, running or ended."""

    facts: InstanceFacts
    running: bool
    history_bytes: int
    last_write: float
    """Unix time of the last write to its history, 0 without one."""
