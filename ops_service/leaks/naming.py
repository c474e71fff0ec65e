"""Folded paths as text: ``shop.sessions.REGISTRY[…]``."""

from __future__ import annotations

from ops_service.heap.paths import EdgeKind, PathNames, PathNode, Root, root_of, steps_to

FOLDED = "[…]"

_ROOTS = {
    Root.MODULES: "",
    Root.INTERPRETER: "the interpreter",
    Root.THREADS: "threads",
    Root.HELD_BY_C: "C code alone",
    Root.GARBAGE: "garbage cycles that no collection took",
    Root.FROZEN_GARBAGE: "garbage cycles frozen by gc.freeze()",
    Root.OWN: "ops_service",
    Root.OTHER: "a path that is not known",
}


def root_text(root: Root) -> str:
    """Name of a root; "" for modules, whose names speak for themselves."""
    return _ROOTS[root]


def path_text(names: PathNames, number: int) -> str:
    """The way from the root to a node, with the type that stands at its end."""
    root = root_of(names, number)
    text = _ROOTS[root]
    steps = steps_to(names, number)
    for position, step in enumerate(steps):
        node = names[step]
        before = names[steps[position - 1]].type_name if position else ""
        text += _step(node, before, first=not text)
    if not steps:
        return text
    return f"{text} ({names[number].type_name})"


def _step(node: PathNode, before: str, *, first: bool) -> str:
    if first:
        return node.name or node.type_name
    if node.type_name == "thread" and node.kind == EdgeKind.ROOT:
        return f" -> {node.name or 'unnamed'}"
    if node.type_name == "frame" and node.kind == EdgeKind.ROOT:
        return f" -> {node.name}()"
    if node.kind == EdgeKind.ROOT:
        return f" -> {node.name} -> {node.type_name}" if node.name else f" -> {node.type_name}"
    if node.name:
        return f".{node.name}" if not _is_bulky(before) else f" -> {before}.{node.name}"
    if node.kind in (EdgeKind.ELEMENT, EdgeKind.KEY, EdgeKind.VALUE):
        return FOLDED
    return f" -> {node.type_name}"


def _is_bulky(type_name: str) -> bool:
    """Whether a type in the middle of a path tells more than the name alone."""
    return type_name in {"frame", "coroutine", "generator", "async_generator", "function"}
