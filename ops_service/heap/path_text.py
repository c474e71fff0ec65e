"""Paths as text, written like code: ``shop.sessions.REGISTRY[…].items``.

Growth reports, searches for referrers and the client's paths use the same words. The client
has a copy of the rule (``ops_client.heap_graph.paths``), since it may not import the host.
A test compares the two.
"""

from __future__ import annotations

from ops_service.heap.paths import EdgeKind, PathNames, Root, root_of, steps_to

FOLDED = "[…]"
"""Stands for elements, keys and values that are not distinguished."""

THREAD, INTERPRETER, OWN = "thread", "the interpreter", "ops_service"
HELD_BY_C, GARBAGE = "C code alone", "a garbage cycle"
OTHER_INTERPRETER = "interpreter"
"""Before the id of an interpreter beside that of the service."""

_ITEMS = (EdgeKind.ELEMENT, EdgeKind.KEY, EdgeKind.VALUE)
# Types whose parts mean little without their whole.
_OPAQUE = ("frame", "function", "coroutine", "generator", "async_generator")
_ROOTS = {
    Root.MODULES: "",
    Root.INTERPRETER: INTERPRETER,
    Root.THREADS: THREAD,
    Root.HELD_BY_C: HELD_BY_C,
    Root.GARBAGE: GARBAGE,
    Root.FROZEN_GARBAGE: f"{GARBAGE} frozen by gc.freeze()",
    Root.OWN: OWN,
    Root.OTHER: "a path that is not known",
    Root.OTHERS: f"another {OTHER_INTERPRETER}",
}


def edge_text(kind: int, name: str, label: str, before: str, *, first: bool) -> str:
    """The part of a path that one reference adds.

    Args:
        kind: An `EdgeKind`.
        name: Name of the edge; "" if it has none.
        label: Label of the referent.
        before: Type name of the referring object.
        first: Whether this is the first part of the path.
    """
    if first:
        return name or label
    if kind == EdgeKind.ROOT:
        return f" -> {name or label}"
    if name == "__dict__":
        return ""
    if name:
        return f" {name}" if before in _OPAQUE else f".{name}"
    return FOLDED if kind in _ITEMS else f" -> {label}"


def frame_text(name: str) -> str:
    """The part of a path that the frame of a function adds."""
    return f" -> {name}()"


def root_text(root: Root) -> str:
    """The beginning of a path; "" for modules, because their names are clear enough."""
    return _ROOTS[root]


def folded_path(names: PathNames, number: int) -> str:
    """The path from the root to a node of the table of paths, with the type at its end."""
    text, before = root_text(root_of(names, number)), ""
    steps = steps_to(names, number)
    for step in steps:
        node = names[step]
        is_root = node.kind == EdgeKind.ROOT
        if is_root and node.type_name == "thread":
            text += f" {node.name}".rstrip()
        elif is_root and node.type_name == "frame":
            text += frame_text(node.name)
        else:
            text += edge_text(node.kind, node.name, node.type_name, before, first=not text)
        before = node.type_name
    return f"{text} ({names[number].type_name})" if steps else text
