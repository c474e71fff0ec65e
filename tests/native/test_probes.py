"""What a snapshot must show, and what it must never show."""

from __future__ import annotations

from typing import Any

import pytest

from ops_service.v1 import heap_graph_pb2 as pb

from .decode import (
    ATTRIBUTE,
    CELL,
    ELEMENT,
    INTERNAL,
    KEY,
    LOCAL,
    ROOT,
    ROOT_EDGE,
    SLOT,
    VALUE,
    Graph,
    decode,
)
from .host import Host

PROBES = {
    "inline attribute": "str",
    "slot": "str",
    "untracked dict in a list": "int",
    "tuple in a tuple": "str",
    "bytes in a deque": "bytes",
    "closure cell": "str",
    "array": "array.array",
    "bytearray": "bytearray",
    "generator local": "str",
    "dict key": "str",
    "local of a thread": "str",
    "list there": "list",
    "text in it": "str",
}


@pytest.fixture(scope="module")
def probed(host: Host) -> tuple[Graph, dict[str, tuple[int, int]]]:
    """The snapshot without the list of probes, and the id and size of each probe."""
    reply: dict[str, Any] = host.call("probes", "capture_probes")
    listed = decode(reply["listed"])
    nodes = listed.targets(listed.only("Order"), ELEMENT)
    probes = zip(reply["names"], nodes, reply["sizes"], strict=True)
    return decode(reply["alone"]), {name: (listed.ids[node], size) for name, node, size in probes}


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_is_found(probed: tuple[Graph, dict[str, tuple[int, int]]], name: str) -> None:
    graph, probes = probed
    identity, size = probes[name]
    node = graph.ids.index(identity)
    assert (graph.type_name(node), graph.sizes[node]) == (PROBES[name], size)


@pytest.fixture(scope="module")
def named(host: Host) -> Graph:
    return decode(host.call("probes", "capture_named"))


def root(graph: Graph, kind: int, name: str = "") -> int:
    found = [index for index, row in graph.roots.items() if (row.kind, row.name) == (kind, name)]
    assert len(found) == 1, [(row.kind, row.name) for row in graph.roots.values()]
    return found[0]


def test_modules_hold_what_their_names_say(named: Graph) -> None:
    modules = root(named, pb.HEAP_ROOT_KIND_MODULES)
    assert named.flags[modules] & ROOT
    module = named.follow(modules, ROOT_EDGE, "native.programs.probes")
    assert named.type_name(module) == "module"
    namespace = named.follow(module, INTERNAL, "__dict__")
    kept = named.follow(namespace, ATTRIBUTE, "NAMED_AT_MODULE_LEVEL")
    assert named.type_name(kept) == "list"
    assert named.path(kept) == [
        ("modules", "native.programs.probes"),
        ("module", "__dict__"),
        ("dict", "NAMED_AT_MODULE_LEVEL"),
    ]


def test_a_module_made_by_hand_has_named_parts(named: Graph) -> None:
    made = named.only("Closed")
    kept = next(i for i in named.of_type("list") if made in named.targets(i, ELEMENT))
    module = named.targets(kept, ELEMENT)[5]
    namespace = named.follow(module, INTERNAL, "__dict__")
    assert named.type_name(named.follow(namespace, ATTRIBUTE, "named_in_module")) == "list"


def test_attributes_and_slots_are_named(named: Graph) -> None:
    inline = named.only("native.programs.probes.Inline")
    assert named.type_name(named.follow(inline, ATTRIBUTE, "inline_text")) == "int"
    slotted = named.only("native.programs.probes.Slotted")
    assert named.type_name(named.follow(slotted, SLOT, "slot_text")) == "list"
    namespace = named.follow(named.only("native.programs.probes.Asked"), INTERNAL, "__dict__")
    assert named.type_name(named.follow(namespace, ATTRIBUTE, "dict_text")) == "list"


def test_class_and_its_namespace_are_named(named: Graph) -> None:
    kind = named.follow(named.only("native.programs.probes.Inline"), INTERNAL, "__class__")
    assert named.type_name(kind) == "type"
    namespace = named.follow(kind, INTERNAL, "__dict__")
    assert named.type_name(named.follow(namespace, ATTRIBUTE, "class_constant")) == "list"
    function = named.follow(namespace, ATTRIBUTE, "__init__")
    code = named.follow(function, INTERNAL, "__code__")
    assert named.type_name(code) == "code"
    module = named.follow(function, INTERNAL, "__globals__")
    assert named.follow(module, ATTRIBUTE, "Inline") == kind


def test_attributes_without_a_proper_name_are_numbered(named: Graph) -> None:
    awkward = named.only("native.programs.probes.Awkward")
    attributes = [edge for edge in named.edges[awkward] if edge.kind in (ATTRIBUTE, VALUE)]
    assert [edge.label for edge in attributes if isinstance(edge.label, str)] == ["proper"]
    assert len(attributes) == 3
    assert [name for name in named.names if not name.isascii() or " " in name] == []


def attribute_of_closed(named: Graph, name: str) -> int:
    return named.follow(named.only("native.programs.probes.Closed"), ATTRIBUTE, name)


def test_cells_of_a_closure_are_named(named: Graph) -> None:
    closure = named.follow(attribute_of_closed(named, "closure"), INTERNAL, "__closure__")
    (cell,) = named.targets(closure, ELEMENT)
    assert named.type_name(cell) == "cell"
    (content,) = named.targets(cell, CELL)
    assert named.type_name(content) == "native.programs.probes.Keys"


def test_locals_of_a_generator_are_named(named: Graph) -> None:
    generator = attribute_of_closed(named, "generator")
    assert (
        named.type_name(named.follow(generator, LOCAL, "local_of_generator"))
        == "native.programs.probes.Keys"
    )


def test_elements_are_numbered_in_their_order(named: Graph) -> None:
    sequence = attribute_of_closed(named, "sequence")
    types = [named.type_name(named.follow(sequence, ELEMENT, place)) for place in range(3)]
    assert types == ["float", "str", "bytes"]


def test_entries_of_other_dicts_are_numbered_in_pairs(named: Graph) -> None:
    edges = named.edges[attribute_of_closed(named, "mapping")]
    assert [(edge.kind, edge.label) for edge in edges] == [
        (KEY, 0),
        (VALUE, 0),
        (KEY, 1),
        (VALUE, 1),
        (KEY, 2),
        (VALUE, 2),
    ]
    types = [named.type_name(edge.target) for edge in edges]
    assert types == ["str", "list", "native.programs.probes.Keys", "tuple", "str", "dict"]


def test_locals_of_another_thread_are_named(named: Graph) -> None:
    thread = root(named, pb.HEAP_ROOT_KIND_THREAD, "planted-thread")
    assert named.roots[thread].thread_id != 0
    frame = named.follow(thread, ROOT_EDGE, "hold_locals")
    assert named.roots[frame].kind == pb.HEAP_ROOT_KIND_FRAME
    assert named.roots[frame].name == "HeldThread.hold_locals"
    assert named.type_name(named.follow(frame, LOCAL, "only_text")) == "str"
    kept = named.follow(frame, LOCAL, "only_list")
    assert named.type_name(named.follow(kept, ELEMENT, 0)) == "str"


def test_types_of_roots_are_no_python_types(named: Graph) -> None:
    synthetic = {
        index
        for index in range(len(named))
        if named.types[named.type_indexes[index]].kind == pb.HEAP_TYPE_KIND_SYNTHETIC
    }
    assert synthetic == set(named.roots)
    assert all(named.ids[index] == 0 for index in synthetic)
    kinds = {row.kind for row in named.roots.values()}
    assert {
        pb.HEAP_ROOT_KIND_MODULES,
        pb.HEAP_ROOT_KIND_INTERPRETER,
        pb.HEAP_ROOT_KIND_THREAD,
        pb.HEAP_ROOT_KIND_FRAME,
    } <= kinds


WORD = "hunter2_TheSecretWord"


def forms(word: str) -> dict[str, bytes]:
    """Every form in which the secret might be in the bytes."""
    number = int.from_bytes(word.encode(), "little")
    digits = [number >> shift & (1 << 30) - 1 for shift in range(0, number.bit_length(), 30)]
    return {
        "text": word.encode(),
        "upper case": word.upper().encode(),
        "wide text": word.encode("utf-16-le"),
        "reversed": word.encode()[::-1],
        "part of it": word.encode()[-14:],
        "decimal": str(number).encode(),
        "hexadecimal": f"{number:x}".encode(),
        "digits in memory": b"".join(digit.to_bytes(4, "little") for digit in digits[:3]),
    }


def test_no_secret_is_in_the_bytes(host: Host) -> None:
    messages = host.call("probes", "capture_secrets", WORD)
    data = b"".join(messages)
    assert [what for what, form in forms(WORD).items() if form in data] == []
    # The search works: it finds a name from the code.
    assert b"name_that_code_wrote" in data
    names = decode(messages).names
    assert "name_that_code_wrote" in names
    assert [name for name in names if "ecret" in name and "unter" in name] == []
