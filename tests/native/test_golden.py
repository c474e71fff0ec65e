"""What walks write for a small graph, compared with a kept copy.

A change that should change nothing fails here if it does. The copy leaves out what
differs between processes and releases of CPython: ids are numbers in the order of their
appearance, and sizes appear only if they are the same in all releases. To keep the
present output: ``GOLDEN_KEEP=1 pytest tests/native/test_golden.py``.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops_service.v1 import heap_graph_pb2 as pb

from . import decode
from .conftest import need_engine
from .host import Host

FILE = Path(__file__).with_name("golden.txt")
# The objects behind these types form the graph. Others appear only by name.
OF_THE_GRAPH = {
    "Root", "Leaf", "Plain", "Weak", "list", "tuple", "dict", "set", "float", "int", "str", "bytes",
    "NoneType", "cell", "deque", "weakref", "ReferenceType",
}  # fmt: skip
# Their sizes differ between releases.
NO_SIZE = {"Plain", "Weak", "str", "dict", "tuple"}
# Objects of other types may be found elsewhere first.
FOUND_BY = {"Leaf", "Plain", "Weak", "list", "deque", "weakref"}
# Without the flag of immortal objects, which 3.11 does not have.
KEPT_FLAGS = ~decode.IMMORTAL


def snapshot(messages: list[bytes]) -> Iterator[str]:
    """Objects of the graph in the order in which edges lead to them, each with its edges."""
    graph = decode.decode(messages)
    root = graph.only("native.programs.golden.Root")
    numbers = {root: 0}
    waiting = deque([root])

    def name_of(index: int) -> str:
        return graph.type_name(index).removeprefix("native.programs.golden.").rpartition(".")[2]

    def target(index: int) -> str:
        if name_of(index) not in OF_THE_GRAPH:
            return name_of(index)
        if index not in numbers:
            numbers[index] = len(numbers)
            waiting.append(index)
        return f"#{numbers[index]}"

    while waiting:
        index = waiting.popleft()
        name = name_of(index)
        size = "-" if name in NO_SIZE else f"{graph.sizes[index]}+{graph.extra_sizes[index]}"
        parent = graph.parents.get(index)
        content = graph.contents.get(index)
        yield (
            f"#{numbers[index]} {name} size {size} flags {graph.flags[index] & KEPT_FLAGS}"
            + (f" found by {name_of(parent)}" if parent is not None and name in FOUND_BY else "")
            + (
                f" content {pb.ContentKind.Name(content.kind)} {content.length} {content.data!r}"
                if content is not None
                else ""
            )
        )
        for edge in graph.edges[index]:
            # Visited by a deque since 3.12.
            if name == "deque" and edge.label == "__class__":
                continue
            yield f"  {pb.EdgeKind.Name(edge.kind)} {edge.label!r} {target(edge.target)}"


def census(rows: list[tuple[Any, ...]]) -> Iterator[str]:
    for name, count, size, extra, estimated in rows:
        short = name.rpartition(".")[2]
        sizes = "-" if short in NO_SIZE else f"{size}+{extra}"
        yield f"{name} count {count} size {sizes}{' estimated' if estimated else ''}"


def growth(rows: list[tuple[Any, ...]]) -> Iterator[str]:
    for path, *sums in rows:
        yield f"{path} {' '.join(map(str, sums))}"


def referrers(ways: list[list[dict[str, Any]]]) -> Iterator[str]:
    for way in ways:
        yield "way"
        for step in way:
            yield "  " + " ".join(
                f"{name}={value!r}"
                for name, value in step.items()
                if name not in ("before", "object_id") and value
            )


@pytest.fixture(scope="module")
def written() -> str:
    # A separate host, whose hashes are the same each time.
    with Host(environment={"PYTHONHASHSEED": "0"}) as host:
        need_engine(host)
        walks = host.call("golden", "walks")
    parts = {
        "snapshot": snapshot(walks["messages"]),
        "census": census(walks["census"]),
        "growth": growth(walks["growth"]),
        "referrers": referrers(walks["referrers"]),
    }
    return "".join(f"{line}\n" for name, lines in parts.items() for line in (f"== {name}", *lines))


def test_walks_write_what_they_wrote(written: str) -> None:
    if os.environ.get("GOLDEN_KEEP"):
        FILE.write_text(written)
    assert written.splitlines() == FILE.read_text().splitlines()
