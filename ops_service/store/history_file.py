"""Append-only, bounded history of a watch, in a few segments. The oldest is removed.

Each record has its length and a checksum before it. If a killed process or the disk
damages a record, the rest of that segment is skipped; the other segments stay readable.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from pathlib import Path

from ops_service.errors import StoreDamaged, StoreFull
from ops_service.store.directory import HISTORY, Directory
from ops_service.store.failures import read_failure, write_failure

_PREFIX = struct.Struct("<II")
_SEGMENTS = 4
_RECORD_MAX = 1 << 20


class HistoryWriter:
    """Appends to the history of this process. Used by one thread."""

    def __init__(self, directory: Directory, max_bytes: int) -> None:
        """
        Args:
            directory: The store.
            max_bytes: Bound on all segments together.
        """
        self._directory = directory
        self._segment_bytes = max_bytes // _SEGMENTS
        self._number = -1
        self._fd = -1
        self._size = 0

    def append(self, record: bytes) -> None:
        """Append a record.

        Raises:
            StoreFull, StoreUnwritable: The record was not written. Earlier records stay.
        """
        data = _PREFIX.pack(len(record), zlib.crc32(record)) + record
        if len(data) > min(self._segment_bytes, _RECORD_MAX):
            raise StoreFull(f"A record of {len(data)} bytes does not fit into the history.")
        self._directory.check_writable()
        try:
            if self._fd < 0 or self._size + len(data) > self._segment_bytes:
                self._next_segment()
            written = os.write(self._fd, data)
            if written != len(data):
                # Half a record would make the rest of the segment unreadable.
                os.ftruncate(self._fd, self._size)
                raise StoreFull("The disk of the store is full; a record was dropped.")
        except OSError as error:
            raise write_failure(error) from error
        self._size += len(data)

    def _next_segment(self) -> None:
        self._directory.make_room(self._segment_bytes)
        fd = self._directory.descriptors.open(
            self._directory.own / f"{HISTORY}{self._number + 1}",
            os.O_WRONLY | os.O_CREAT | os.O_APPEND,
        )
        self._directory.descriptors.close(self._fd)
        self._number += 1
        self._fd, self._size = fd, os.fstat(fd).st_size
        if self._number >= _SEGMENTS:
            old = self._directory.own / f"{HISTORY}{self._number - _SEGMENTS}"
            with contextlib.suppress(FileNotFoundError):
                old.unlink()


def read_history(directory: Path) -> tuple[list[bytes], int]:
    """Every record of a process's history, oldest first.

    Returns:
        The records, and the number of segments with a damaged or incomplete record.

    Raises:
        StoreDamaged: The history cannot be read at all.
    """
    try:
        found = sorted(
            (int(file.name.removeprefix(HISTORY)), file)
            for file in directory.glob(f"{HISTORY}*")
            if file.name.removeprefix(HISTORY).isdecimal() and not file.is_symlink()
        )
        segments = [file.read_bytes() for _, file in found[-_SEGMENTS - 1 :]]
    except FileNotFoundError:
        raise StoreDamaged("Part of the history has just been evicted; try again.") from None
    except OSError as error:
        raise read_failure(error) from error
    records: list[bytes] = []
    damaged = 0
    for data in segments:
        position = 0
        while position < len(data):
            record = _record_at(data, position)
            if record is None:
                damaged += 1
                break
            records.append(record)
            position += _PREFIX.size + len(record)
    return records, damaged


def _record_at(data: bytes, position: int) -> bytes | None:
    if len(data) - position < _PREFIX.size:
        return None
    length, checksum = _PREFIX.unpack_from(data, position)
    begin = position + _PREFIX.size
    if length > _RECORD_MAX or begin + length > len(data):
        return None
    record = data[begin : begin + length]
    return record if zlib.crc32(record) == checksum else None
