"""Completions of text at the prompt, found without running any code."""

from __future__ import annotations

import inspect
import keyword
import re
import sys
import types
from dataclasses import dataclass
from typing import Any

from ops_service.repl.namespace import Console
from ops_service.repl.types import find_in_type, mro, names_of

_MAX_CANDIDATES = 500
_MAX_TEXT = 64 << 10

_WORD = re.compile(r"(?:[^\W\d]\w*\.)*(?:[^\W\d]\w*)?\Z")
_IMPORT = re.compile(r"\s*(?:import|from)\s+(?:[\w.]+\s*,\s*)*[\w.]*\Z")
_NOTHING = object()

# Implemented in C, so calling them runs no code of the application.
_PASSIVE = (types.MemberDescriptorType, types.GetSetDescriptorType)


@dataclass(frozen=True, slots=True)
class Completions:
    """Candidates for the word that ends at the cursor."""

    start: int
    """Index in the text at which the word begins."""
    candidates: tuple[str, ...]
    truncated: bool


def complete(text: str, cursor: int, console: Console) -> Completions:
    """Find names, attributes, keywords and modules that complete a word.

    Looks up attributes only in dictionaries and types. Never calls a property or a
    ``__getattr__``, so attributes that only they provide are not found.
    """
    before = text[: min(cursor, _MAX_TEXT)]
    line = before[before.rfind("\n") + 1 :]
    found = _WORD.search(before)
    word = found[0] if found else ""
    owner, dot, prefix = word.rpartition(".")
    if _IMPORT.match(line):
        names, prefix, dot = set(sys.modules) | set(sys.builtin_module_names), word, ""
    elif before[: len(before) - len(word)].endswith((".", ")", "]")) and not dot:
        names = set()
    elif dot:
        value = _resolve(owner.split("."), console)
        names = set() if value is _NOTHING else _attributes(value)
    else:
        names = {*console.globals, *console.builtins, *keyword.kwlist}
    hidden = not prefix.startswith("_")
    fitting = sorted(
        name
        for name in names
        if type(name) is str
        and name.startswith(prefix)
        and name.replace(".", "").isidentifier()
        and not (hidden and name.startswith("_"))
    )
    return Completions(
        len(before) - len(prefix), tuple(fitting[:_MAX_CANDIDATES]), len(fitting) > _MAX_CANDIDATES
    )


def _resolve(path: list[str], console: Console) -> Any:
    first, *rest = path
    value = console.globals.get(first, console.builtins.get(first, _NOTHING))
    for name in rest:
        if value is _NOTHING:
            return _NOTHING
        value = _attribute(console.behind(value), name)
    return value if value is _NOTHING else console.behind(value)


def _attribute(value: Any, name: str) -> Any:
    try:
        found = inspect.getattr_static(value, name, _NOTHING)
    except Exception:
        return _NOTHING
    if type(found) in _PASSIVE:
        try:
            return found.__get__(value)
        except Exception:
            return _NOTHING
    if isinstance(found, staticmethod | classmethod):
        return found.__func__
    # A property's value is known only after a call.
    return _NOTHING if isinstance(found, property) else found


def _attributes(value: Any) -> set[str]:
    names: set[str] = set()
    for base in mro(type(value)):
        names.update(names_of(base))
    if isinstance(value, type):
        for base in mro(value):
            names.update(names_of(base))
    holder = find_in_type(type(value), "__dict__")
    if type(holder) in _PASSIVE:
        try:
            names.update(holder.__get__(value))
        except Exception:
            return names
    return names
