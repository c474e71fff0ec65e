"""Reads a heap graph file, and believes nothing in it unchecked.

A file may be cut off, altered, or made to do harm. So lengths are compared
with the size of the file before memory is taken, every index is compared with
what it points into, and the hash is compared before a graph is returned.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, TypeVar

from google.protobuf.message import DecodeError, Message

from ops_client._wire import MAX_VARINT_BYTES, WireError, decode_varint, fields
from ops_client.errors import (
    CorruptHeapGraphFile,
    HeapGraphFileError,
    NotAHeapGraphFile,
    TruncatedHeapGraphFile,
    UnsupportedHeapGraphFile,
)
from ops_client.heap_graph.assembly import Assembly
from ops_client.heap_graph.batch import parse_batch
from ops_client.heap_graph.edges import PackedEdges
from ops_client.heap_graph.model import HeapGraph
from ops_client.heap_graph.plausible import check_figures
from ops_service.v1 import heap_graph_pb2

FORMAT_VERSION = 1

# gRPC carries 4 MiB a message by default; nothing near this was ever written.
_MAX_MESSAGE_BYTES = 64 << 20

# The least that a file spends on an object (five columns) and on an edge (two).
_MIN_OBJECT_BYTES = 5
_MIN_EDGE_BYTES = 2

# What a message begins with if it holds a header: field 1, with a length.
_HEADER_TAG = b"\x0a"

# So many messages are held in memory at a time, or one more.
_MAX_WAITING = 3

_PART_NAMES = {1: "header", 2: "batch", 3: "trailer"}

Progress = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes in all."""

MessageT = TypeVar("MessageT", bound=Message)


def read_heap_graph(path: str | os.PathLike[str], progress: Progress | None = None) -> HeapGraph:
    """Read a heap graph file into memory.

    Costs 0.1 to 0.2 s on two cores, and 55 MB, for a million objects.

    Args:
        path: The file that a capture wrote.
        progress: Called now and then while reading.

    Raises:
        HeapGraphFileError: The file cannot be read; the subclass says why.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise NotAHeapGraphFile("it is not a regular file.")
            return _FileReader(file, status.st_size, progress or _ignore).read()
    except OSError as error:
        raise HeapGraphFileError(f"{name} cannot be read: {error.strerror}.") from error
    except HeapGraphFileError as error:
        # The readers below know what is wrong, not with which file.
        raise type(error)(f"{name}: {error}") from error.__cause__
    except (WireError, DecodeError, UnicodeDecodeError) as error:
        raise CorruptHeapGraphFile(
            f"{name}: its contents are damaged ({error}). Capture anew, or copy the file again."
        ) from error


def _ignore(done: int, total: int) -> None:
    pass


class _FileReader:
    def __init__(self, file: BinaryIO, size: int, progress: Progress) -> None:
        self._file = file
        self._size = size
        self._progress = progress

    def read(self) -> HeapGraph:
        header = self._read_header()
        trailer = self._find_trailer()
        assembly = Assembly(header, trailer)
        digest = hashlib.sha256()
        position = 0
        # Objects are decoded here, edges beside them.
        with ThreadPoolExecutor(1, "heap-graph-edges") as beside:
            waiting: deque[Future[None]] = deque()
            for prefix, message in self._messages(trailer.byte_count):
                number, content = _part(message)
                if number != (1 if position == 0 else 2):
                    raise CorruptHeapGraphFile(
                        f"a {_PART_NAMES[number]} stands where none belongs."
                    )
                edges = None
                if number == 2:
                    batch = parse_batch(content, assembly.room())
                    assembly.add(batch)
                    edges = batch.edges
                waiting.append(
                    beside.submit(_finish, digest, prefix, message, edges, *assembly.counts())
                )
                if len(waiting) > _MAX_WAITING:
                    waiting.popleft().result()
                position += len(prefix) + len(message)
                self._progress(position, trailer.byte_count)
            for each in waiting:
                each.result()
        if digest.digest() != trailer.sha256:
            raise CorruptHeapGraphFile(
                "its SHA-256 is not the one in its trailer. Capture anew, or copy the file again."
            )
        return assembly.finish()

    def _read_header(self) -> heap_graph_pb2.HeapGraphHeader:
        if self._size == 0:
            raise TruncatedHeapGraphFile("the file is empty. Capture anew.")
        foreign = NotAHeapGraphFile(
            "this is no heap graph file. Give a file that `opsctl heap capture` wrote."
        )
        try:
            prefix, _ = self._read_length(0)
            self._file.seek(len(prefix))
            if self._file.read(1) not in (_HEADER_TAG, b""):
                raise foreign
            _, message = next(self._messages(self._size))
            number, content = _part(message)
            if number != 1:
                raise foreign
            header = _parse(heap_graph_pb2.HeapGraphHeader, content)
        except (WireError, DecodeError, CorruptHeapGraphFile) as error:
            raise foreign from error
        if header.format_version > FORMAT_VERSION:
            raise UnsupportedHeapGraphFile(
                f"it has format {header.format_version}, and this release reads formats up to "
                f"{FORMAT_VERSION}. Upgrade ops-service."
            )
        if header.format_version == 0 or not header.snapshot_id:
            raise foreign
        check_figures(header)
        return header

    def _find_trailer(self) -> heap_graph_pb2.HeapGraphTrailer:
        incomplete = TruncatedHeapGraphFile(
            "its end is missing. Copy the file again, or capture anew."
        )
        position = last = 0
        while position < self._size:
            last = position
            prefix, length = self._read_length(position)
            position += len(prefix) + length
        if position > self._size:
            raise incomplete
        prefix, length = self._read_length(last)
        self._file.seek(last + len(prefix))
        number, content = _part(memoryview(self._file.read(length)))
        if number != 3:
            raise incomplete
        trailer = _parse(heap_graph_pb2.HeapGraphTrailer, content)
        if trailer.byte_count != last:
            raise CorruptHeapGraphFile(
                f"its trailer counts {trailer.byte_count} bytes, and {last} are there. "
                "Capture anew, or copy the file again."
            )
        needed = trailer.object_count * _MIN_OBJECT_BYTES + trailer.edge_count * _MIN_EDGE_BYTES
        if needed > trailer.byte_count:
            raise CorruptHeapGraphFile("its trailer counts more objects than the file can hold.")
        if trailer.object_count >> 32:
            raise UnsupportedHeapGraphFile("it has more than 4294967295 objects.")
        check_figures(trailer)
        return trailer

    def _messages(self, end: int) -> Iterator[tuple[bytes, memoryview]]:
        position = 0
        while position < end:
            prefix, length = self._read_length(position)
            self._file.seek(position + len(prefix))
            message = self._file.read(length)
            if len(message) < length:
                raise TruncatedHeapGraphFile("its end is missing. Copy the file again.")
            position += len(prefix) + length
            yield prefix, memoryview(message)

    def _read_length(self, position: int) -> tuple[bytes, int]:
        self._file.seek(position)
        start = self._file.read(min(MAX_VARINT_BYTES, self._size - position))
        if start and start[-1] >= 0x80 and len(start) < MAX_VARINT_BYTES:
            raise TruncatedHeapGraphFile("its end is missing. Copy the file again.")
        length, used = decode_varint(start, 0)
        if length > _MAX_MESSAGE_BYTES:
            raise CorruptHeapGraphFile(
                f"a part of it claims {length} bytes. Capture anew, or copy the file again."
            )
        return start[:used], length


def _finish(
    digest: hashlib._Hash,
    prefix: bytes,
    message: memoryview,
    edges: PackedEdges | None,
    object_count: int,
    name_count: int,
) -> None:
    """What is left to do of a message beside the next ones."""
    digest.update(prefix)
    digest.update(message)
    if edges is not None:
        edges.decode(object_count, name_count)


def _part(message: memoryview) -> tuple[int, memoryview]:
    """Which part a CaptureHeapSnapshotResponse holds, and its bytes."""
    found = None
    for number, value in fields(message):
        if number in _PART_NAMES and isinstance(value, memoryview):
            found = number, value
    if found is None:
        raise CorruptHeapGraphFile("a message of it holds no part of a heap graph.")
    return found


def _parse(kind: type[MessageT], content: memoryview) -> MessageT:
    message = kind()
    message.ParseFromString(bytes(content))
    return message
