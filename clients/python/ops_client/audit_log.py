"""Verifies the chain of an audit log, which a process with a maintenance port wrote.

Each line names the SHA-256 of the line before it. So a line that was altered,
removed or moved shows, unless everything behind it was written anew or cut; and
that shows to whoever kept the hash of a later line, as a capture and an
evaluation return it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ops_client.errors import AuditLogBroken, FileNotRead

# A record holds the source of an evaluation, of which every byte may be escaped.
_LINE_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True)
class AuditLog:
    """An audit log whose chain holds."""

    record_count: int
    head: str
    """Hash of the last record. Keep it where the process cannot write."""
    begins_with: str
    """Hash of the record before the first, in a file that was rotated away. Empty
    where the chain begins."""


def verify_audit_log(paths: Iterable[Path], head: str = "") -> AuditLog:
    """Verify files of one log, oldest first.

    Args:
        paths: One file, or several that follow one another.
        head: Hash of some record, kept elsewhere, which must be in the log.

    Raises:
        FileNotRead: A file cannot be read.
        AuditLogBroken: Names the file, the line and what is wrong.
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
                    "was altered, or lines between them were removed or moved. What stands "
                    "before is sound."
                )
            previous = hashlib.sha256(line).hexdigest()
            head_found = head_found or previous == head.lower()
            count += 1
    if not head_found:
        raise AuditLogBroken(
            f"No record of the log has the hash {head}: its end was cut, or it was written anew."
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
                        f"{path}, line {number} is not whole: its end was cut, or the process "
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
            f"{path}, line {number} is no audit record: it was altered, or cut by a crash."
        ) from None
    return named
