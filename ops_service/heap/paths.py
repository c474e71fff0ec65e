"""Growth samples: changes of the heap since the previous sample, by folded path.

A folded path leads from a root to objects: modules, attributes, slots and locals by name,
elements of containers as ``[…]``. Objects of one type on one folded path are counted
together, as a *node*. The child keeps the nodes in a table that the next child inherits.
So a sample holds only nodes that changed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from ops_service.errors import WalkFailed
from ops_service.heap.walker import walker


class Root(IntEnum):
    """Nodes at which paths begin."""

    MODULES = walker.PATH_MODULES
    INTERPRETER = walker.PATH_INTERPRETER
    THREADS = walker.PATH_THREADS
    HELD_BY_C = walker.PATH_HELD_BY_C
    """Objects with more references than the heap shows."""
    GARBAGE = walker.PATH_GARBAGE
    FROZEN_GARBAGE = walker.PATH_FROZEN_GARBAGE
    """Garbage that ``gc.freeze()`` hides from the collector."""
    OWN = walker.PATH_OWN
    """Objects of ops_service itself."""
    OTHER = walker.PATH_OTHER
    """Objects for which the full table has no node."""
    OTHERS = walker.PATH_OTHERS
    """Objects of other interpreters."""


class EdgeKind(IntEnum):
    """How an object refers to another. The numbers are those of the contract."""

    ELEMENT = walker.EDGE_ELEMENT
    KEY = walker.EDGE_KEY
    VALUE = walker.EDGE_VALUE
    ATTRIBUTE = walker.EDGE_ATTRIBUTE
    SLOT = walker.EDGE_SLOT
    LOCAL = walker.EDGE_LOCAL
    CELL = walker.EDGE_CELL
    INTERNAL = walker.EDGE_INTERNAL
    WEAK = walker.EDGE_WEAK
    ROOT = walker.EDGE_ROOT


FIRST_NODE: Final = walker.PATH_FIRST
"""Smaller numbers are those of a `Root`."""


@dataclass(frozen=True, slots=True)
class PathNode:
    """A step of a folded path."""

    parent: int
    """Number of the previous node on the path; a `Root` at the beginning."""
    kind: int
    name: str
    """Name of the edge; empty for elements, keys and other edges without a name."""
    type_name: str


@dataclass(frozen=True, slots=True)
class Change:
    """Change of a node since the previous sample. Sizes in bytes."""

    node: int
    count: int
    size: int
    length: int
    """Elements of the containers among its objects."""
    count_before: int
    size_before: int
    length_before: int


@dataclass(frozen=True, slots=True)
class PathSample:
    """Changes since the previous sample; none in the first sample of a table."""

    changes: tuple[Change, ...]
    object_count: int
    total_size: int
    large_size: int
    """Bytes of objects over 512 bytes each, which malloc serves."""
    own_count: int
    """Objects of ops_service itself; the figures above exclude them."""
    own_size: int
    own_large_size: int
    """Part of these bytes that malloc serves."""
    past_bound: int
    """Objects for which the full table has no node."""
    waiting: int
    """Nodes that changed, and that a later sample reports."""
    node_count: int


_STRING = struct.Struct("<IH")
_NODE = struct.Struct("<IIII")
_CHANGE = struct.Struct("<8Q")
_TOTALS = struct.Struct("<9Q")
_END_4 = bytes(4)
_END_8 = bytes(8)


class PathNames:
    """Nodes by number, collected from the samples of one table."""

    def __init__(self) -> None:
        self._strings: dict[int, str] = {0: ""}
        self._nodes: dict[int, PathNode] = {}
        self._sites: dict[int, str] = {}

    def __getitem__(self, number: int) -> PathNode:
        return self._nodes[number]

    def __contains__(self, number: int) -> bool:
        return number in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def add(self, number: int, node: PathNode) -> None:
        """Name a node by hand."""
        self._nodes[number] = node

    def site(self, number: int) -> str:
        """The allocation site of a node's newest object, as ``file:line``.

        "" if tracemalloc did not run, or its tables are not reachable.
        """
        return self._sites.get(number, "")

    def read(self, output: bytes) -> PathSample:
        """Read the output of a child, and store its names. See emit_growth.c.

        Raises:
            WalkFailed: The output is cut short. Nothing was stored.
        """
        try:
            strings, position = _strings(output)
            nodes, position = _nodes(output, position)
            changes, sites, position = _changes(output, position)
            totals = _TOTALS.unpack_from(output, position)
        except (struct.error, IndexError, ValueError):
            raise WalkFailed("The walking child's output ends too early.") from None
        self._strings.update(strings)
        for number, parent, label, type_name in nodes:
            self._nodes[number] = PathNode(
                parent, label & 15, self._strings[label >> 4], self._strings[type_name]
            )
        for node, site in sites.items():
            self._sites[node] = self._strings[site]
        return PathSample(changes, *totals)


class NodeNames(Protocol):
    """Nodes by their numbers."""

    def __getitem__(self, number: int, /) -> PathNode: ...


def root_of(names: NodeNames, number: int) -> Root:
    """The root at which a node's path begins."""
    while number >= FIRST_NODE:
        number = names[number].parent
    return Root(number)


def steps_to(names: NodeNames, number: int) -> list[int]:
    """Numbers of the nodes on the path, from the first after the root to this one."""
    steps = []
    while number >= FIRST_NODE:
        steps.append(number)
        number = names[number].parent
    return steps[::-1]


def _strings(output: bytes) -> tuple[dict[int, str], int]:
    found = {}
    position = 0
    while output[position : position + 4] != _END_4:
        number, length = _STRING.unpack_from(output, position)
        position += _STRING.size
        text = output[position : position + length]
        if len(text) < length:
            raise ValueError
        found[number] = text.decode(errors="replace")
        position += length
    return found, position + 4


def _nodes(output: bytes, position: int) -> tuple[list[tuple[int, int, int, int]], int]:
    found = []
    while output[position : position + 4] != _END_4:
        found.append(_NODE.unpack_from(output, position))
        position += _NODE.size
    return found, position + 4


def _changes(output: bytes, position: int) -> tuple[tuple[Change, ...], dict[int, int], int]:
    changes = []
    sites = {}
    while output[position : position + 8] != _END_8:
        *sums, site = _CHANGE.unpack_from(output, position)
        changes.append(Change(*sums))
        if site:
            sites[changes[-1].node] = site
        position += _CHANGE.size
    return tuple(changes), sites, position + 8
