"""Turn the messages of a capture into a verified heap graph file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from ops_client._part_file import PartFile
from ops_client._wire import WireError, decode_varint, encode_varint, fields
from ops_client.errors import CorruptSnapshot, IncompleteSnapshot
from ops_service.v1 import heap_graph_pb2

_HEADER, _BATCH, _TRAILER = 1, 2, 3


@dataclass(frozen=True, slots=True)
class CaptureProgress:
    """Progress of a capture."""

    bytes_written: int
    object_count: int
    """Objects so far."""
    expected_object_count: int
    """Estimated total: the number of blocks that Python has allocated."""


@dataclass(frozen=True, slots=True)
class CapturedSnapshot:
    """A complete and verified snapshot."""

    path: Path
    header: heap_graph_pb2.HeapGraphHeader
    trailer: heap_graph_pb2.HeapGraphTrailer
    audit_hash: str = ""
    """Hash of the audit record of the call that returned the snapshot. Keep it elsewhere:
    it shows whether the log was cut or rewritten. See `verify_audit_log`."""


class SnapshotReceiver:
    """Writes a capture's messages into a file and checks that they are complete.

    The bytes go into the file unchanged, because the hash covers them.
    """

    def __init__(
        self, file: PartFile, progress: Callable[[CaptureProgress], None] | None = None
    ) -> None:
        self._file = file
        self._progress = progress
        self._digest = hashlib.sha256()
        self._header: heap_graph_pb2.HeapGraphHeader | None = None
        self._trailer: heap_graph_pb2.HeapGraphTrailer | None = None
        self._object_count = 0
        self.byte_count = 0
        self.offset = 0
        self.audit_hash = ""

    @property
    def snapshot_id(self) -> str:
        """The snapshot's id; "" before the header arrives."""
        return "" if self._header is None else self._header.snapshot_id

    @property
    def is_whole(self) -> bool:
        """Whether the trailer has arrived."""
        return self._trailer is not None

    def take_audit_hash(self, value: str) -> None:
        """Set the hash of the audit record of the call that continues the snapshot."""
        self.audit_hash = value

    def resume(self) -> None:
        """Read what an earlier download left in the file, and set ``offset`` to its end.

        Raises:
            CorruptSnapshot: The data is damaged, and is now discarded.
        """
        for message in self._file.messages():
            self._take(message)
        self._file.truncate(self.offset)

    def receive_chunk(self, offset: int, data: bytes) -> None:
        """Take several messages, each with its length before it.

        Raises:
            As `receive`.
        """
        if offset != self.offset:
            raise self._corrupt("A part of the snapshot is missing.")
        view = memoryview(data)
        try:
            while view:
                length, begin = decode_varint(view, 0)
                if length > len(view) - begin:
                    raise WireError("a message runs past the end of its chunk")
                self.receive(bytes(view[begin : begin + length]))
                view = view[begin + length :]
        except WireError as error:
            raise self._corrupt(f"A part of the snapshot is damaged ({error}).") from error

    def receive(self, message: bytes) -> None:
        """Take the next message.

        Raises:
            CorruptSnapshot: The message is malformed or out of order.
            FileNotWritten: The disk is full.
        """
        self._take(message, write=True)

    def _corrupt(self, what: str) -> CorruptSnapshot:
        self._file.discard()
        return CorruptSnapshot(f"{what} Nothing was kept; capture again.")

    def _take(self, message: bytes, *, write: bool = False) -> None:
        try:
            number, content = _part(message)
            if (number == _HEADER) != (self._header is None) or self._trailer is not None:
                raise self._corrupt("The parts of the snapshot came out of order.")
            if number == _HEADER:
                self._header = heap_graph_pb2.HeapGraphHeader.FromString(bytes(content))
            elif number == _BATCH:
                self._object_count = _first_object_index(content)
            else:
                self._trailer = heap_graph_pb2.HeapGraphTrailer.FromString(bytes(content))
        except (WireError, DecodeError) as error:
            raise self._corrupt(f"A part of the snapshot is damaged ({error}).") from error
        prefix = encode_varint(len(message))
        if write:
            self._file.write(prefix)
            self._file.write(message)
        self.offset += len(prefix) + len(message)
        if number != _TRAILER:
            self._digest.update(prefix)
            self._digest.update(message)
            self.byte_count += len(prefix) + len(message)
            self._report()

    def finish(self) -> CapturedSnapshot:
        """Check that the snapshot is complete, and give the file its name.

        Raises:
            IncompleteSnapshot: No trailer came.
            CorruptSnapshot: The length or the hash differs from the trailer.
            FileNotWritten: The disk is full.
        """
        if self._header is None or self._trailer is None:
            raise IncompleteSnapshot(
                f"The snapshot ended after {self.byte_count} bytes, before its trailer, so it is "
                "incomplete. Nothing was kept; capture again."
            )
        trailer = self._trailer
        if trailer.byte_count != self.byte_count:
            raise self._corrupt(
                f"{self.byte_count} bytes of the snapshot arrived, and {trailer.byte_count} were "
                "sent."
            )
        if trailer.sha256 != self._digest.digest():
            raise self._corrupt("The snapshot's SHA-256 differs from the one in its trailer.")
        self._file.commit()
        self._object_count = trailer.object_count
        self._report()
        return CapturedSnapshot(self._file.path, self._header, trailer, self.audit_hash)

    def _report(self) -> None:
        if self._progress is not None and self._header is not None:
            self._progress(
                CaptureProgress(
                    self.byte_count, self._object_count, self._header.allocated_block_count
                )
            )


def _part(message: bytes) -> tuple[int, memoryview]:
    for number, value in fields(memoryview(message)):
        if number in (_HEADER, _BATCH, _TRAILER) and isinstance(value, memoryview):
            return number, value
    raise WireError("it contains no known part")


def _first_object_index(batch: memoryview) -> int:
    # Protobuf writes fields in order, so the index, if present, is the first.
    for number, value in fields(batch):
        if number == heap_graph_pb2.HeapGraphBatch.FIRST_OBJECT_INDEX_FIELD_NUMBER:
            return value if isinstance(value, int) else 0
        break
    return 0
