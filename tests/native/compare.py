"""Compare a decoded snapshot with the rows of the reference walker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from .decode import ATTRIBUTE, ELEMENT, ESTIMATED, TRACKED, VALUE, WEAK, Graph

GRANULES = 1 << 14


class Matched:
    """A snapshot and the reference's rows, matched object by object."""

    def __init__(self, graph: Graph, rows: list[Any], order: int) -> None:
        self.graph = graph
        self.rows = rows
        self._kinds: dict[int, str] = {}
        order_node = graph.only("Order")
        self.node_of_row = graph.targets(order_node, ELEMENT)
        assert len(self.node_of_row) == len(rows)
        self.address_of_node = {
            node: row[0] for node, row in zip(self.node_of_row, rows, strict=True)
        } | {order_node: order}

    def kind_at(self, address: int) -> str:
        """Name of the type of the object at an address, for messages."""
        if not self._kinds:
            self._kinds = {row[0]: f"{row[1]}.{row[2]}" for row in self.rows}
        return self._kinds.get(address, "?")

    def differences(self, numbers: Iterable[int]) -> list[str]:
        """One sentence for each difference between the snapshot and the reference."""
        return [
            sentence
            for number in numbers
            for sentence in row_differences(self, self.node_of_row[number], self.rows[number])
        ]


def row_differences(matched: Matched, node: int, row: Any) -> list[str]:
    address, module, name, type_address, size, tracked, expanded, references = row
    graph = matched.graph
    what = f"{module}.{name} at {address:#x}"
    found = []
    type_row = graph.types[graph.type_indexes[node]]
    if (type_row.module, type_row.qualified_name) != (module, name):
        found.append(f"{what} is a {type_row.module}.{type_row.qualified_name}")
    if place(type_row.type_id) != granule(type_address):
        found.append(f"{what} has the type id {type_row.type_id}")
    if place(graph.ids[node]) != granule(address):
        found.append(f"{what} has the id {graph.ids[node]}")
    if not expanded:
        return found
    if not graph.flags[node] & ESTIMATED and graph.sizes[node] != size:
        found.append(f"{what} has {size} bytes, not {graph.sizes[node]}")
    if bool(graph.flags[node] & ESTIMATED) != type_row.size_estimated:
        found.append(f"{what} and its type disagree on an estimated size")
    if bool(graph.flags[node] & TRACKED) != tracked:
        found.append(f"{what} tracked: {tracked}")
    return found + edge_differences(matched, node, references, what)


def edge_differences(matched: Matched, node: int, references: list[int], what: str) -> list[str]:
    graph = matched.graph
    wanted = Counter(references)
    further: list[str] = []
    for edge in graph.edges[node]:
        if edge.kind == WEAK:
            continue
        address = matched.address_of_node.get(edge.target)
        if address is not None and wanted[address] > 0:
            wanted[address] -= 1
        elif is_view(graph, edge.target, edge.label):
            # The traversal visits the values in place of the dictionary.
            for value in graph.targets(edge.target, ATTRIBUTE) + graph.targets(edge.target, VALUE):
                wanted[matched.address_of_node.get(value, 0)] -= 1
        elif not beyond_reference(graph, node, edge.target, edge.label):
            further.append(f"{edge.label!r} to a {graph.type_name(edge.target)}")
    missing = [f"{matched.kind_at(address)} at {address:#x}" for address in (+wanted).elements()]
    found = []
    if missing:
        found.append(f"{what} lacks {missing}; it has {graph.labels(node)}")
    if further:
        found.append(f"{what} has further edges: {further}")
    return found


def beyond_reference(graph: Graph, node: int, target: int, label: str | int) -> bool:
    """Whether an edge is one that Python code cannot check.

    Python does not show these:

    - the names of a code object's cells and locals as one tuple
    - a class's copy of its slots' names
    - a class's weak references to its subclasses
    - the names of the attributes that its instances share
    """
    source, kind = graph.type_name(node), graph.type_name(target)
    if source == "code":
        if isinstance(label, int):
            # Forms of the code that a request created and cached.
            return kind in ("tuple", "bytes")
        return (label, kind) in {("co_localsplusnames", "tuple"), ("co_localspluskinds", "bytes")}
    if is_class(graph, node):
        if isinstance(label, int):
            return kind == "str"
        return (label, kind) in {("__slots__", "tuple"), ("__subclasses__", "dict")}
    return False


def is_view(graph: Graph, target: int, label: str | int) -> bool:
    """Whether an edge leads to the dictionary of an instance that no traversal visits.

    In CPython 3.13 before 3.13.13, and 3.14 before 3.14.4, the dictionary may be only a view
    of the instance's values. A read of it would create one, so Python code cannot tell.
    """
    return label == "__dict__" and graph.type_name(target) == "dict"


def is_class(graph: Graph, node: int) -> bool:
    return any(edge.label == "__mro__" for edge in graph.edges[node])


def place(identity: int) -> int:
    return identity >> 1 & GRANULES - 1


def granule(address: int) -> int:
    return address >> 4 & GRANULES - 1


def region_differences(pairs: Iterable[tuple[int, int]]) -> list[str]:
    """Check that ids, given with their addresses, name regions one to one."""
    by_number: dict[int, int] = {}
    by_region: dict[int, int] = {}
    found = []
    for identity, address in pairs:
        number, region = identity >> 15, address >> 18
        if by_number.setdefault(number, region) != region:
            found.append(f"region number {number} stands for two regions")
        if by_region.setdefault(region, number) != number:
            found.append(f"region {region:#x} has two numbers")
    return found
