"""Random heaps: a recipe says which node refers to which, and the host builds it.

A recipe is a list of nodes. Each node is the name of a kind, and the numbers of the nodes
that it refers to. Kinds that must be complete when they are made refer only to earlier
nodes. The others are filled afterwards, so cycles arise.
"""

from __future__ import annotations

import collections
import functools
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

Node = tuple[str, list[int]]


class Inline:
    """Attributes inline."""


class WithDict:
    """Attributes in a dictionary that something has read."""


class Slots:
    __slots__ = ("__weakref__", "a", "b", "c")


class Items(list[Any]):
    pass


class Entries(dict[Any, Any]):
    __slots__ = ()


class Numbered(tuple[Any, ...]):
    pass


class Named(str):
    pass


class Holder:
    """Keeps a built recipe, and knows its nodes."""

    __slots__ = ("nodes",)

    def __init__(self, nodes: list[object]) -> None:
        self.nodes = nodes


def text(number: int) -> str:
    return f"recipe text {number}"


def closure_over(references: list[object]) -> Callable[[], object]:
    if len(references) < 2:
        references = [*references, None, None]
    first, second = references[0], references[1]
    return lambda: (first, second)


def suspended(references: list[object]) -> Iterator[object]:
    def generate(*values: object) -> Iterator[object]:
        yield values

    generator = generate(*references)
    next(generator)
    return generator


def failed(references: list[object]) -> BaseException:
    try:
        raise LookupError(*references)
    except LookupError as error:
        # Otherwise the frame of this function would be part of the heap.
        return error.with_traceback(None)


# Made complete, from earlier nodes. Each call makes a new object.
FIXED: dict[str, Callable[[list[object]], object]] = {
    "integer": lambda refs: (1 << 80) + len(refs),
    "text": lambda refs: text(len(refs)),
    "floating": lambda refs: len(refs) / 7,
    "tuple": lambda refs: (*refs, []),
    "numbered": lambda refs: Numbered(refs),
    "partial": lambda refs: functools.partial(print, *refs),
    "closure": closure_over,
    "generator": suspended,
    "exception": failed,
    "method": lambda refs: types.MethodType(print, [*refs]),
    "weak": lambda refs: weakref.ref(Inline, print),
}


def add_attributes(thing: object, references: list[object]) -> None:
    for number, value in enumerate(references):
        setattr(thing, f"attribute_{number}", value)


def add_to_dict(thing: Any, references: list[object]) -> None:
    add_attributes(thing, references)
    assert thing.__dict__ is not None


def add_slots(thing: object, references: list[object]) -> None:
    for name, value in zip("abc", references, strict=False):
        setattr(thing, name, value)


def add_mixed(thing: dict[object, object], references: list[object]) -> None:
    for number, value in enumerate(references):
        thing[text(number) if number % 2 else number] = value


def add_text_keys(thing: dict[object, object], references: list[object]) -> None:
    thing.update((text(number), value) for number, value in enumerate(references))


def add_class_body(thing: type, references: list[object]) -> None:
    for number, value in enumerate(references):
        setattr(thing, f"constant_{number}", value)


Fill = Callable[[Any, list[object]], None]

# Made empty, and filled when all nodes exist.
FILLED: dict[str, tuple[Callable[[], object], Fill]] = {
    "list": (list, list.extend),
    "items": (Items, list.extend),
    "queue": (collections.deque, collections.deque.extend),
    "dict": (dict, add_text_keys),
    "mixed": (dict, add_mixed),
    "entries": (Entries, add_text_keys),
    "ordered": (collections.OrderedDict, add_text_keys),
    "defaulted": (lambda: collections.defaultdict(list), add_mixed),
    "inline": (Inline, add_attributes),
    "with_dict": (WithDict, add_to_dict),
    "slots": (Slots, add_slots),
    "named": (lambda: Named("recipe"), add_attributes),
    "namespace": (types.SimpleNamespace, add_attributes),
    "class": (lambda: type("Made", (), {}), add_class_body),
    "cell": (types.CellType, lambda cell, refs: setattr(cell, "cell_contents", tuple(refs))),
    "function": (lambda: types.FunctionType(text.__code__, {}), add_attributes),
    "module": (lambda: types.ModuleType("made"), add_attributes),
    "property": (lambda: [property(text)], lambda thing, refs: thing.extend(refs)),
}

# The kind does not keep references beyond this number.
LIMITS = {"closure": 2, "slots": 3, "integer": 0, "text": 0, "floating": 0, "weak": 0}


def kept(recipe: list[Node]) -> list[list[int]]:
    """For each node, the nodes that it refers to once it is built."""
    result = []
    for number, (kind, wanted) in enumerate(recipe):
        references = [other % len(recipe) for other in wanted][: LIMITS.get(kind)]
        if kind in FIXED:
            references = [other for other in references if other < number]
        result.append(references)
    return result


def build(recipe: list[Node]) -> Holder:
    nodes: list[object] = []
    references = kept(recipe)
    for number, (kind, _) in enumerate(recipe):
        if kind in FIXED:
            nodes.append(FIXED[kind]([nodes[other] for other in references[number]]))
        else:
            nodes.append(FILLED[kind][0]())
    for number, (kind, _) in enumerate(recipe):
        if kind in FILLED:
            FILLED[kind][1](nodes[number], [nodes[other] for other in references[number]])
    return Holder(nodes)
