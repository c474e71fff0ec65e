"""Reads a heap graph file, and believes nothing in it unchecked.

A file may be cut off, altered, or made to do harm. So lengths are compared
with the size of the file before memory is taken, every index is compared with
what it points into, and the hash is compared before a graph is returned.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray

from ops_client._wire import MAX_VARINT_BYTES, WireError, decode_varint, fields
from ops_client.errors import (
    CorruptHeapGraphFile,
    HeapGraphFileError,
    NotAHeapGraphFile,
    TruncatedHeapGraphFile,
    UnsupportedHeapGraphFile,
)
from ops_client.heap_graph.batch import Batch, parse_batch
from ops_client.heap_graph.columns import Unsigned
from ops_client.heap_graph.content_columns import ContentColumns
from ops_client.heap_graph.contents import gather_contents, gather_hashes
from ops_client.heap_graph.model import HeapGraph
from ops_client.heap_graph.plausible import check_figures, check_sizes
from ops_service.v1 import heap_graph_pb2

FORMAT_VERSION = 1

# gRPC carries 4 MiB a message by default; nothing near this was ever written.
_MAX_MESSAGE_BYTES = 64 << 20

# The least that a file spends on an object (five columns) and on an edge (two).
_MIN_OBJECT_BYTES = 5
_MIN_EDGE_BYTES = 2

# What a message begins with if it holds a header: field 1, with a length.
_HEADER_TAG = b"\x0a"

# So many are put in place one by one; more take a copy of the column.
_FEW = 50_000

_PART_NAMES = {1: "header", 2: "batch", 3: "trailer"}

Progress = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes in all."""

MessageT = TypeVar("MessageT", bound=Message)


def read_heap_graph(path: str | os.PathLike[str], progress: Progress | None = None) -> HeapGraph:
    """Read a heap graph file into memory.

    Costs about half a second and 70 MB for a million objects.

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
                raise NotAHeapGraphFile(f"{name} is not a regular file.")
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
        assembly = _Assembly(header, trailer)
        digest = hashlib.sha256()
        position = 0
        for prefix, message in self._messages(trailer.byte_count):
            digest.update(prefix)
            digest.update(message)
            number, content = _part(message)
            if number != (1 if position == 0 else 2):
                raise CorruptHeapGraphFile(f"a {_PART_NAMES[number]} stands where none belongs.")
            if number == 2:
                assembly.add(parse_batch(content))
            position += len(prefix) + len(message)
            self._progress(position, trailer.byte_count)
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


class _Assembly:
    """Puts batches together into one graph."""

    def __init__(
        self, header: heap_graph_pb2.HeapGraphHeader, trailer: heap_graph_pb2.HeapGraphTrailer
    ) -> None:
        self._header = header
        self._trailer = trailer
        self._types: list[heap_graph_pb2.HeapType] = []
        self._names = [""]
        self._roots: list[heap_graph_pb2.HeapRoot] = []
        self._objects = 0
        self._edges = 0
        self._sites = [heap_graph_pb2.AllocationSite()]
        includes_sites = header.allocation_sites == heap_graph_pb2.ALLOCATION_SITES_INCLUDED
        self._site_indexes = np.zeros(trailer.object_count if includes_sites else 0, np.uint32)
        self._late: list[Batch] = []
        self._contents: list[ContentColumns] = []
        self._named: list[tuple[Unsigned, Unsigned, Unsigned]] = []
        self._late_edges = 0
        objects, edges = trailer.object_count, trailer.edge_count
        self._type_indexes = np.empty(objects, np.uint32)
        self._sizes = np.empty(objects, np.uint64)
        self._extra_sizes = np.zeros(objects, np.uint32)
        self._ids = np.empty(objects, np.uint32)
        self._flags = np.empty(objects, np.uint32)
        # Counts at first, one place to the right; their running sum in the end.
        self._edge_starts: NDArray[np.int64] = np.zeros(objects + 1, np.int64)
        self._edge_targets = np.empty(edges, np.uint32)
        self._edge_kinds = np.empty(edges, np.uint8)
        self._edge_names = np.empty(edges, np.uint32)

    def add(self, batch: Batch) -> None:
        first, last = self._objects, self._objects + len(batch.sizes)
        first_edge, last_edge = self._edges, self._edges + len(batch.edge_targets)
        if batch.first_object_index != first:
            raise CorruptHeapGraphFile(
                f"a batch begins at object {batch.first_object_index}, after {first} objects."
            )
        if last > len(self._sizes) or last_edge > len(self._edge_targets):
            raise CorruptHeapGraphFile("it holds more objects than its trailer counts.")
        if batch.continued_edge_count and first == 0:
            raise CorruptHeapGraphFile("its first batch continues an object.")
        self._types += batch.types
        self._names += batch.names
        self._roots += batch.roots
        _check_below(batch.type_indexes, len(self._types), "type")
        _check_below(batch.edge_names, len(self._names), "name")
        _check_below(batch.edge_targets, len(self._sizes), "object")
        self._type_indexes[first:last] = batch.type_indexes
        self._sizes[first:last] = batch.sizes
        if len(batch.extra_sizes):
            self._extra_sizes[first:last] = batch.extra_sizes
        self._sites += batch.allocation_sites
        if len(batch.site_indexes):
            if len(self._site_indexes) == 0:
                raise CorruptHeapGraphFile("it has sites that its header does not speak of.")
            _check_below(batch.site_indexes, len(self._sites), "site")
            self._site_indexes[first:last] = batch.site_indexes
        self._ids[first:last] = batch.ids
        self._flags[first:last] = batch.flags
        self._edge_starts[first] += batch.continued_edge_count
        self._edge_starts[first + 1 : last + 1] = batch.edge_counts
        self._edge_targets[first_edge:last_edge] = batch.edge_targets
        self._edge_kinds[first_edge:last_edge] = batch.edge_kinds
        self._edge_names[first_edge:last_edge] = batch.edge_names
        self._objects, self._edges = last, last_edge
        if len(batch.late_sources):
            _check_below(batch.late_sources, last, "object")
            _check_below(batch.late_targets, len(self._sizes), "object")
            _check_below(batch.late_names, len(self._names), "name")
            self._late.append(batch)
            self._late_edges += len(batch.late_sources)
            if self._edges + self._late_edges > len(self._edge_targets):
                raise CorruptHeapGraphFile("it holds more edges than its trailer counts.")

        if len(batch.named_objects):
            _check_below(batch.named_objects, last, "object")
            _check_below(batch.named_names, len(self._names), "name")
            self._named.append((batch.named_objects, batch.named_numbers, batch.named_names))
        contents = batch.contents
        if len(contents.objects) or len(contents.hash_objects):
            _check_below(contents.objects, last, "object")
            _check_below(contents.hash_objects, last, "object")
            self._contents.append(contents)

    def finish(self) -> HeapGraph:
        found = {
            "object_count": self._objects,
            "edge_count": self._edges + self._late_edges,
            "type_count": len(self._types),
            "name_count": len(self._names) - 1,
            "total_size": int(self._sizes.sum()),
        }
        for field, value in found.items():
            counted = getattr(self._trailer, field)
            if counted != value:
                raise CorruptHeapGraphFile(f"its trailer says {field} {counted}, found {value}.")
        check_sizes(self._sizes, self._extra_sizes)
        for root in self._roots:
            if root.object_index >= self._objects:
                raise CorruptHeapGraphFile("a root points past the last object.")
        np.cumsum(self._edge_starts, out=self._edge_starts)
        if self._late:
            self._insert_late_edges()
        if self._named:
            self._name_entries()
        return HeapGraph(
            header=self._header,
            trailer=self._trailer,
            types=tuple(self._types),
            names=tuple(self._names),
            roots=tuple(self._roots),
            allocation_sites=tuple(self._sites),
            type_indexes=self._type_indexes,
            sizes=self._sizes,
            extra_sizes=self._extra_sizes,
            ids=self._ids,
            flags=self._flags,
            site_indexes=self._site_indexes,
            edge_starts=self._edge_starts,
            edge_targets=self._edge_targets,
            edge_kinds=self._edge_kinds,
            edge_names=self._edge_names,
            contents=gather_contents(self._contents),
            string_hashes=gather_hashes(self._contents),
        )

    def _name_entries(self) -> None:
        """Make attributes of entries of dicts that turned out to be namespaces."""
        objects, numbers, names = (
            np.concatenate(column).astype(np.int64) for column in zip(*self._named, strict=True)
        )
        edges = self._edge_starts[objects] + 2 * numbers + 1
        if (edges >= self._edge_starts[objects + 1]).any() or (
            self._edge_kinds[edges] != heap_graph_pb2.EDGE_KIND_VALUE
        ).any():
            raise CorruptHeapGraphFile("it names an entry of a dict that has none.")
        self._edge_kinds[edges] = heap_graph_pb2.EDGE_KIND_ATTRIBUTE
        self._edge_names[edges] = names

    def _insert_late_edges(self) -> None:
        """Put late edges where they stand among the edges of their objects."""
        sources = np.concatenate([each.late_sources for each in self._late])
        order = np.argsort(sources, kind="stable")
        within = np.concatenate([each.late_places for each in self._late]).astype(np.int64)[order]
        places = self._edge_starts[sources[order]] + within
        if (places > self._edge_starts[sources[order] + 1]).any():
            raise CorruptHeapGraphFile("a late edge stands behind the edges of its object.")

        late, edges = self._late, self._edges
        for column, values in (
            (self._edge_targets, [each.late_targets for each in late]),
            (self._edge_kinds, [each.late_kinds for each in late]),
            (self._edge_names, [each.late_names for each in late]),
        ):
            _insert(column, edges, places, np.concatenate(values)[order].astype(column.dtype))
        counts = np.bincount(sources, minlength=self._objects)
        self._edge_starts[1:] += np.cumsum(counts)


def _insert(
    column: NDArray[Any], used: int, places: NDArray[np.int64], values: NDArray[Any]
) -> None:
    """Put values before these places of a column that has room for them behind what is used."""
    if len(places) > _FEW:
        column[:] = np.insert(column[:used], places, values)
        return
    end = used
    for number in range(len(places) - 1, -1, -1):
        place = int(places[number])
        column[place + number + 1 : end + number + 1] = column[place:end]
        column[place + number] = values[number]
        end = place


def _check_below(values: NDArray[np.integer[Any]], limit: int, what: str) -> None:
    if values.size and int(values.max()) >= limit:
        raise CorruptHeapGraphFile(f"it refers to a {what} that it does not describe.")
