"""Contents of objects in a snapshot."""

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
    """Content of one object."""

    kind: int
    """A ``ContentKind``."""
    length: int
    """Characters of a str, bytes of a bytes object, or bits of an int; else 0."""
    data: bytes
    """Encoded as ``ContentKind`` says; it may be cut."""

    def text(self) -> str:
        """Return a str as it is, other content as a Python literal; "..." marks a cut."""
        if self.kind != pb.CONTENT_KIND_TEXT:
            return self.literal()
        text = _decoded(self.data)
        return text + _CUT if len(text) < self.length else text

    def literal(self) -> str:
        """Return the content as a Python literal; "..." marks a cut."""
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
    """Decode UTF-8 that may contain lone surrogates; each becomes a replacement character."""
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")
    return text if text.isascii() or not _has_surrogates(text) else _escaped(text)


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _escaped(text: str) -> str:
    # One for one, so that lengths can be compared.
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if "\ud800" <= each <= "\udfff" else each for each in text
    )


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents of objects, by ascending index of the object."""

    objects: NDArray[np.uint32]
    """Index of the object, per content."""
    kinds: NDArray[np.uint32]
    lengths: NDArray[np.uint64]
    starts: NDArray[np.int64]
    """Start of its bytes in ``data``, per content."""
    sizes: NDArray[np.int64]
    data: bytes

    def __len__(self) -> int:
        return len(self.objects)

    def at(self, place: int) -> Content:
        """Return the content at a place of the columns."""
        start = int(self.starts[place])
        return Content(
            int(self.kinds[place]),
            int(self.lengths[place]),
            self.data[start : start + int(self.sizes[place])],
        )

    def of(self, object_index: int) -> Content | None:
        """Return the content of an object, or None if the snapshot does not have it."""
        place = int(np.searchsorted(self.objects, object_index))
        if place == len(self.objects) or self.objects[place] != object_index:
            return None
        return self.at(place)


@dataclass(frozen=True, slots=True)
class StringHashes:
    """Hashes of str and bytes, by ascending index of the object.

    Equal strings of one snapshot have equal hashes. Hashes of two snapshots are
    unrelated.
    """

    objects: NDArray[np.uint32]
    """Index of the object, per hash."""
    hashes: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.objects)


def gather_contents(parts: list[ContentColumns]) -> Contents:
    """Join the contents of batches.

    Raises:
        CorruptHeapGraphFile: An object has two contents, or a size is impossible.
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
    """Join the hashes of batches.

    Raises:
        CorruptHeapGraphFile: An object has two hashes.
    """
    objects, order = _ordered([each.hash_objects for each in parts])
    hashes = np.concatenate([np.empty(0, np.uint64), *(each.hashes for each in parts)])
    return StringHashes(objects, hashes[order])


def _ordered(columns: list[NDArray[np.int64]]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the indexes of objects, ascending, and the old position of each."""
    objects = np.concatenate([np.empty(0, np.int64), *columns])
    order: NDArray[np.int64] = np.argsort(objects, kind="stable")
    ascending = objects[order].astype(np.uint32)
    if (ascending[1:] == ascending[:-1]).any():
        raise CorruptHeapGraphFile("an object has two contents, or two hashes.")
    return ascending, order
