"""Contents at each level, and hashes of strings."""

from __future__ import annotations

import struct
from collections import defaultdict

import pytest

from ops_service.v1 import heap_graph_pb2 as pb

from .decode import ATTRIBUTE, ELEMENT, KEY, SLOT, VALUE, Content, Graph, decode
from .host import Host
from .programs import contents as planted

NONE, KEYS, VALUES = 1, 2, 3


def kept(graph: Graph) -> list[int]:
    holder = graph.follow(graph.only("Keeper"), SLOT, "kept")
    return graph.targets(holder, ELEMENT)


def expected(thing: object, limit: int) -> Content:
    """The content that the contract promises, computed in plain Python."""
    match thing:
        case None:
            return Content(pb.CONTENT_KIND_NONE, 0, b"")
        case bool():
            return Content(pb.CONTENT_KIND_BOOL, 0, bytes([thing]))
        case int():
            bits = thing.bit_length()
            text = str(thing).encode() if bits <= 3840 else b""
            return Content(pb.CONTENT_KIND_INT, bits, text if len(text) <= limit else b"")
        case float():
            return Content(pb.CONTENT_KIND_FLOAT, 0, struct.pack("<d", thing))
        case bytes():
            return Content(pb.CONTENT_KIND_BYTES, len(thing), thing[:limit])
        case str():
            text = thing
            while len(data := text.encode("utf-8", "surrogatepass")) > limit:
                text = text[:-1]
            return Content(pb.CONTENT_KIND_TEXT, len(thing), data)
    raise AssertionError(thing)


@pytest.mark.parametrize("limit", [1, 64, 4096])
def test_values_are_what_python_says_up_to_the_limit(host: Host, limit: int) -> None:
    graph = decode(host.call("contents", "capture_values", VALUES, limit, False))
    things = planted.values()
    found = [graph.contents[index] for index in kept(graph)]
    assert found == [expected(thing, limit) for thing in things]
    assert graph.hashes == {}


def test_keys_are_shown_and_other_values_are_not(host: Host) -> None:
    graph = decode(host.call("contents", "capture_keys"))
    mapped = graph.only("Mapped")
    mapping = graph.follow(mapped, ATTRIBUTE, "mapping")
    keys = graph.targets(mapping, KEY)
    shown = [graph.contents[key].data if key in graph.contents else None for key in keys]
    assert shown[:7] == [
        b"found early as a value",
        b"key with spaces",
        b"bytes key",
        b"12",
        struct.pack("<d", 2.5),
        b"",
        b"\x01",
    ]
    pair = keys[7]
    assert graph.type_name(pair) == "tuple"
    first, second, inner = graph.targets(pair, ELEMENT)
    assert [graph.contents[each].data for each in (first, second)] == [b"pair", b"7"]
    assert [graph.contents[each].data for each in graph.targets(inner, ELEMENT)] == [b"inner", b"x"]
    assert shown[7:] == [None, None]
    assert graph.follow(mapped, ATTRIBUTE, "value") not in graph.contents
    # Each value has its key's number.
    assert len(graph.targets(mapping, VALUE)) == len(keys)


def test_an_entry_that_comes_late_keeps_its_place(host: Host) -> None:
    graph = decode(host.call("contents", "capture_keys"))
    mapping = graph.follow(graph.only("Mapped"), ATTRIBUTE, "by_module")
    edges = graph.edges[mapping]
    assert [edge.kind for edge in edges] == [KEY, VALUE] * 3
    assert [graph.type_name(edge.target) for edge in edges[1::2]] == ["list", "module", "list"]
    assert [graph.contents[edge.target].data for edge in edges[::2]] == [b"first", b"ours", b"last"]


def test_keys_that_fill_batches(host: Host) -> None:
    messages = host.call("contents", "capture_many_keys", 300)
    assert max(map(len, messages)) < 1 << 20
    graph = decode(messages)
    (mapping,) = kept(graph)
    data = [graph.contents[key].data for key in graph.targets(mapping, KEY)]
    assert data == [f"key {number:_>4000}".encode() for number in range(300)]


def test_names_that_fill_batches(host: Host) -> None:
    messages = host.call("contents", "capture_many_names", 12_000)
    graph = decode(messages)
    names = {name for name in graph.names if name.startswith("name___")}
    assert names == {f"name_{number:_>190}" for number in range(12_000)}


@pytest.mark.parametrize("level", [NONE, VALUES])
def test_equal_strings_have_equal_hashes(host: Host, level: int) -> None:
    first = decode(host.call("contents", "capture_values", level, 8, True))
    second = decode(host.call("contents", "capture_values", level, 8, True))
    assert bool(first.contents) == (level == VALUES)
    strings = {
        place: thing
        for place, thing in enumerate(planted.values())
        if isinstance(thing, (str, bytes))
    }
    by_hash: dict[int, set[object]] = defaultdict(set)
    by_string: dict[object, set[int]] = defaultdict(set)
    for place, index in enumerate(kept(first)):
        assert (index in first.hashes) == (place in strings)
        if place in strings:
            by_hash[first.hashes[index]].add(strings[place])
            by_string[strings[place]].add(first.hashes[index])
    assert {len(each) for each in by_hash.values()} == {1}
    assert {len(each) for each in by_string.values()} == {1}
    # No hash can be compared with another snapshot.
    assert not set(first.hashes.values()) & set(second.hashes.values())


def test_no_hash_and_no_content_unless_asked_for(host: Host) -> None:
    graph = decode(host.call("contents", "capture_values", NONE, 64, False))
    assert (graph.contents, graph.hashes) == ({}, {})
