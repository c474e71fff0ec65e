"""Verify the hash chain of an audit log from a process with a maintenance port.

Each line contains the SHA-256 of the line before it. So an altered, removed or moved
line is detected, unless everything after it was rewritten or cut. To detect that too,
keep the hash of a later line elsewhere; a capture and an evaluation return one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ops_client.errors import AuditLogBroken, FileNotRead

# A record contains the source of an evaluation, and every byte of it may be escaped.
_LINE_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True)
class AuditLog:
    """An audit log with an intact chain."""

    record_count: int
    head: str
    """Hash of the last record. Keep it where the process cannot write."""
    begins_with: str
    """Hash of the record before the first, in a file that was rotated away. Empty if the
    chain begins here."""


def verify_audit_log(paths: Iterable[Path], head: str = "") -> AuditLog:
    """Verify files of one log, oldest first.

    Args:
        paths: One file, or several in sequence.
        head: Hash of a record, kept elsewhere. The log must contain that record.

    Raises:
        FileNotRead: A file cannot be read.
        AuditLogBroken: The chain is broken. Names the file, the line and the problem.
    """
    previous = begins_with = ""
    count = 0
    head_found = not head
    for path in paths:
        for number, line in _lines(path):
            named = _previous(line, path, number)
            if count == 0:
                begins_with = named
            elif named != previous:
                raise AuditLogBroken(
                    f"{path}, line {number} does not follow the line before it: one of the two "
                    "was altered, or lines between them were removed or moved. All earlier "
                    "lines are intact."
                )
            previous = hashlib.sha256(line).hexdigest()
            head_found = head_found or previous == head.lower()
            count += 1
    if not head_found:
        raise AuditLogBroken(
            f"No record of the log has the hash {head}: its end was cut, or it was rewritten."
        )
    return AuditLog(count, previous, begins_with)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LINE_LIMIT):
                number += 1
                if not line.endswith(b"\n"):
                    raise AuditLogBroken(
                        f"{path}, line {number} is incomplete: its end was cut, or the process "
                        "is writing it."
                    )
                yield number, line[:-1]
    except OSError as error:
        raise FileNotRead(f"{path} cannot be read: {error.strerror}.") from error


def _previous(line: bytes, path: Path, number: int) -> str:
    try:
        record = json.loads(line)
        named = record["previous"]
        if not isinstance(named, str):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise AuditLogBroken(
            f"{path}, line {number} is not an audit record: it was altered, or cut by a crash."
        ) from None
    return named
