"""Plain data of the store."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def is_id(text: str) -> bool:
    """Whether a text can be the id of a snapshot or an instance, and so a file's name."""
    return _ID.fullmatch(text) is not None


class SnapshotState(enum.Enum):
    """What can be done with a stored snapshot."""

    WHOLE = "whole"
    WRITING = "writing"
    """Its capture is under way."""


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """Who wrote a part of the store. Times are Unix times in seconds."""

    instance_id: str
    pid: int
    host_name: str
    start_time: float | None
    """When the process started; None if the system did not tell."""
    service_start_time: float
    """When its service started."""


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """A snapshot in the store."""

    snapshot_id: str
    instance_id: str
    byte_count: int
    """Bytes so far, where it is being written."""
    stored_time: float
    """Unix time of the last write."""
    state: SnapshotState


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """A process that left something in the store, or that writes to it now."""

    facts: InstanceFacts
    running: bool
    history_bytes: int
    last_write: float
    """Unix time of the last write to its history, 0 without one."""
