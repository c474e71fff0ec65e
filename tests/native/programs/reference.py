"""A heap walk in plain Python, to check the native one against. Tests only.

It runs in the host process that the tests start, so it imports only the standard
library. An object's references are those of ``gc.get_referents``, which calls the same
``tp_traverse`` as the collector. To these it adds references that no traversal visits,
but that Python code can reach by name:

- Keys of dictionaries. CPython leaves strings out, because they are in no cycle.
- Parts of code objects, which the collector does not know.
- Parts of static types such as ``int``, which it does not know either.
- Names of heap types, generators and coroutines, which are strings.
"""

from __future__ import annotations

import builtins
import gc
import sys
import types
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

HEAPTYPE = 1 << 9

Row = tuple[int, str, str, int, int, bool, bool, list[int]]
"""Address, module and qualified name of the type, address of the type, size,
whether the collector tracks it, whether its references are listed, and the references."""

FROZEN_DICTS: list[Any] = [each for each in [getattr(builtins, "frozendict", None)] if each]
"""The type frozendict, from CPython 3.15 on."""

CODE_PARTS = (
    "co_consts",
    "co_names",
    "co_exceptiontable",
    "co_filename",
    "co_name",
    "co_qualname",
    "co_linetable",
)

# A class may define an attribute of this name, so use the getter of `type`.
type_flags: Callable[[type], int] = type.__dict__["__flags__"].__get__
type_name: Callable[[type], str] = type.__dict__["__name__"].__get__
type_qualname: Callable[[type], str] = type.__dict__["__qualname__"].__get__
type_module: Callable[[type], str] = type.__dict__["__module__"].__get__
type_dict: Callable[[type], types.MappingProxyType[str, object]] = type.__dict__["__dict__"].__get__
type_mro: Callable[[type], object] = type.__dict__["__mro__"].__get__
type_bases: Callable[[type], object] = type.__dict__["__bases__"].__get__
type_base: Callable[[type], object] = type.__dict__["__base__"].__get__


def references(thing: object) -> list[object]:
    """Everything that an object refers to, once for each reference."""
    kind = type(thing)
    found: list[object] = gc.get_referents(thing)
    if issubclass(kind, (dict, *FROZEN_DICTS)):
        found = dict_references(thing, found)  # type: ignore[arg-type]
    elif kind is types.CodeType:
        found += [getattr(thing, name) for name in CODE_PARTS]
    elif issubclass(kind, type):
        found += type_left_out(thing)  # type: ignore[arg-type]
    elif kind in (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType):
        found += [thing.__name__, thing.__qualname__]  # type: ignore[attr-defined]
    return found


def dict_references(thing: dict[object, object], visited: list[object]) -> list[object]:
    kind = dict if isinstance(thing, dict) else FROZEN_DICTS[0]
    entries = list(kind.items(thing))
    keys = [key for key, _ in entries]
    values = [value for _, value in entries]
    if type(thing) is kind:
        return keys + values
    # A subclass has its own references in addition to the entries. An ordered dict keeps
    # the keys a second time, in the nodes of its list.
    rest = Counter(map(id, visited))
    rest.subtract(map(id, values))
    without_keys = rest.copy()
    without_keys.subtract(map(id, keys))
    without_both = without_keys.copy()
    without_both.subtract(map(id, keys))
    if min((without_both if is_ordered(thing) else without_keys).values(), default=0) >= 0:
        rest = without_keys
    alive = {id(other): other for other in visited}
    return keys + values + [alive[address] for address in rest.elements()]


def is_ordered(thing: object) -> bool:
    return isinstance(thing, OrderedDict)


def type_left_out(thing: type) -> list[object]:
    if type_flags(thing) & HEAPTYPE:
        return [type_name(thing), type_qualname(thing)]
    # Python returns a new proxy each time, but the dict is the same.
    found: list[object] = list(gc.get_referents(type_dict(thing)))
    found += [type_mro(thing), type_bases(thing)]
    if type_base(thing) is not None:
        found.append(type_base(thing))
    return found


def reachable(starts: Iterable[object], known: dict[int, object]) -> list[object]:
    """Walk breadth first. Objects in ``known`` are listed but not walked through."""
    seen: dict[int, object] = {}
    order: list[object] = []
    for thing in starts:
        if id(thing) not in seen:
            seen[id(thing)] = thing
            order.append(thing)
    # The list grows while it is read, because it is the queue.
    for thing in order:
        if id(thing) in known:
            continue
        for other in references(thing):
            if id(other) not in seen:
                seen[id(other)] = other
                order.append(other)
    return order


def world() -> dict[int, object]:
    """Every object that can be reached now, by address. The result keeps them alive."""
    everything = reachable([*gc.get_objects(), *sys.modules.values()], {})
    return {id(thing): thing for thing in everything}


def rows_of(things: Iterable[object], known: dict[int, object]) -> list[Row]:
    """One row for each object, without references for those in ``known``."""
    return [row_of(thing, id(thing) not in known) for thing in things]


def row_of(thing: object, expand: bool) -> Row:
    kind = type(thing)
    module = type_module(kind)
    return (
        id(thing),
        module if isinstance(module, str) and module != "builtins" else "",
        type_qualname(kind),
        id(kind),
        sys.getsizeof(thing, -1),
        gc.is_tracked(thing),
        expand,
        list(map(id, references(thing))) if expand else [],
    )
