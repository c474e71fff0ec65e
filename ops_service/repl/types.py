"""Read the true facts of a type, past its metaclass.

A metaclass can return anything for ``__qualname__`` or ``__mro__``, or raise. The
descriptors of `type` read the structure itself.
"""

from __future__ import annotations

from typing import Any

_NAME: Any = type.__dict__["__name__"]
_QUALNAME: Any = type.__dict__["__qualname__"]
_MODULE: Any = type.__dict__["__module__"]
_MRO: Any = type.__dict__["__mro__"]
_DICT: Any = type.__dict__["__dict__"]


def bare_name(kind: type) -> str:
    """``__name__`` of a type."""
    return str.__str__(_NAME.__get__(kind))


def qualified_name(kind: type) -> str:
    """``__qualname__`` of a type."""
    return str.__str__(_QUALNAME.__get__(kind))


def type_name(kind: type) -> str:
    """Module and qualified name of a type; for a builtin the name alone."""
    name = qualified_name(kind)
    try:
        module = _MODULE.__get__(kind)
    except AttributeError:
        module = None
    if type(module) is not str or module == "builtins":
        return name
    return f"{module}.{name}"


def find_in_type(kind: type, name: str) -> Any:
    """Find an attribute of a type without running its code. None if it is missing."""
    for base in _MRO.__get__(kind):
        names = _DICT.__get__(base)
        if name in names:
            return names[name]
    return None


def mro(kind: type) -> tuple[type, ...]:
    """The type and its bases, in the order of lookup."""
    bases: tuple[type, ...] = _MRO.__get__(kind)
    return bases


def names_of(kind: type) -> dict[str, Any]:
    """The namespace of one type, without its bases."""
    names: dict[str, Any] = _DICT.__get__(kind)
    return names
