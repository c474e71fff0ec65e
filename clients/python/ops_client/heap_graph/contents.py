"""What a snapshot tells of the objects' contents."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ops_client.errors import CorruptHeapGraphFile
from ops_client.heap_graph.content_columns import ContentColumns
from ops_service.v1 import heap_graph_pb2 as pb

_CUT = "\N{HORIZONTAL ELLIPSIS}"
_SIZES = {pb.CONTENT_KIND_FLOAT: 8, pb.CONTENT_KIND_BOOL: 1, pb.CONTENT_KIND_NONE: 0}


@dataclass(frozen=True, slots=True)
class Content:
    """What one object holds."""

    kind: int
    """A ``ContentKind``."""
    length: int
    """Characters of a str, bytes of a bytes object, bits of an int; else 0."""
    data: bytes
    """As ``ContentKind`` says; it may be less than the whole."""

    def text(self) -> str:
        """Itself of a str, and else as Python writes it; "..." stands for what was cut."""
        if self.kind != pb.CONTENT_KIND_TEXT:
            return self.literal()
        text = _decoded(self.data)
        return text + _CUT if len(text) < self.length else text

    def literal(self) -> str:
        """As Python writes it; "..." stands for what was cut."""
        match self.kind:
            case pb.CONTENT_KIND_TEXT:
                text = _decoded(self.data)
                return repr(text) + (_CUT if len(text) < self.length else "")
            case pb.CONTENT_KIND_BYTES:
                return repr(self.data) + (_CUT if len(self.data) < self.length else "")
            case pb.CONTENT_KIND_INT:
                return self.data.decode("ascii", "replace") or f"int of {self.length} bits"
            case pb.CONTENT_KIND_FLOAT:
                return repr(struct.unpack("<d", self.data)[0])
            case pb.CONTENT_KIND_BOOL:
                return str(self.data != b"\0")
            case pb.CONTENT_KIND_NONE:
                return "None"
            case _:
                return "content of another kind"


def _decoded(data: bytes) -> str:
    """UTF-8 that may hold lone surrogates, which are shown as Python escapes them."""
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")
    return text if text.isascii() or not _has_surrogates(text) else _escaped(text)


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _escaped(text: str) -> str:
    # One character for one, so that lengths can be compared.
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if "\ud800" <= each <= "\udfff" else each for each in text
    )


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents of objects, by ascending index of the object."""

    objects: NDArray[np.uint32]
    """Index of the object, by content."""
    kinds: NDArray[np.uint32]
    lengths: NDArray[np.uint64]
    starts: NDArray[np.int64]
    """Where its bytes begin in ``data``, by content."""
    sizes: NDArray[np.int64]
    data: bytes

    def __len__(self) -> int:
        return len(self.objects)

    def at(self, place: int) -> Content:
        """The content at a place of the columns."""
        start = int(self.starts[place])
        return Content(
            int(self.kinds[place]),
            int(self.lengths[place]),
            self.data[start : start + int(self.sizes[place])],
        )

    def of(self, object_index: int) -> Content | None:
        """The content of an object, None if the snapshot has none of it."""
        place = int(np.searchsorted(self.objects, object_index))
        if place == len(self.objects) or self.objects[place] != object_index:
            return None
        return self.at(place)


@dataclass(frozen=True, slots=True)
class StringHashes:
    """Hashes of str and bytes, by ascending index of the object.

    Equal ones of a snapshot have equal hashes. Hashes of two snapshots have
    nothing to do with each other.
    """

    objects: NDArray[np.uint32]
    """Index of the object, by hash."""
    hashes: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.objects)


def gather_contents(parts: list[ContentColumns]) -> Contents:
    """Put the contents of batches together.

    Raises:
        CorruptHeapGraphFile: An object has two, or one has an impossible size.
    """
    kinds = np.concatenate([np.empty(0, np.uint32), *(each.kinds for each in parts)])
    sizes_of = [each.sizes.astype(np.int64) for each in parts]
    sizes = np.concatenate([np.empty(0, np.int64), *sizes_of])
    for kind, size in _SIZES.items():
        if (sizes[kinds == kind] != size).any():
            raise CorruptHeapGraphFile("a content has an impossible size.")
    ends: NDArray[np.int64] = np.cumsum(sizes)
    lengths = [each.lengths.astype(np.uint64) for each in parts]
    objects, order = _ordered([each.objects for each in parts])
    return Contents(
        objects=objects,
        kinds=kinds[order].astype(np.uint32),
        lengths=np.concatenate([np.empty(0, np.uint64), *lengths])[order],
        starts=(ends - sizes)[order],
        sizes=sizes[order],
        data=b"".join(each.data for each in parts),
    )


def gather_hashes(parts: list[ContentColumns]) -> StringHashes:
    """Put the hashes of batches together.

    Raises:
        CorruptHeapGraphFile: An object has two.
    """
    objects, order = _ordered([each.hash_objects for each in parts])
    hashes = np.concatenate([np.empty(0, np.uint64), *(each.hashes for each in parts)])
    return StringHashes(objects, hashes[order])


def _ordered(columns: list[NDArray[np.int64]]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Indexes of objects, ascending, and where each stood."""
    objects = np.concatenate([np.empty(0, np.int64), *columns])
    order: NDArray[np.int64] = np.argsort(objects, kind="stable")
    ascending = objects[order].astype(np.uint32)
    if (ascending[1:] == ascending[:-1]).any():
        raise CorruptHeapGraphFile("an object has two contents, or two hashes.")
    return ascending, order
