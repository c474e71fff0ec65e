"""Read names in a frame without running code, and without changing the frame."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from inspect import CO_OPTIMIZED
from types import CodeType, FrameType, MemberDescriptorType, ModuleType
from typing import Any

from ops_service.process.bytecode import NOTHING, Path, Spot, read_spot

MISSING: Any = object()

_MRO = vars(type)["__mro__"].__get__
_NAMESPACE = vars(type)["__dict__"].__get__


class Spots:
    """Facts about positions, each read once."""

    def __init__(self, *, readable: bool = True) -> None:
        """
        Args:
            readable: Whether the bytecode of this Python is read right. If not, nothing
                is known of any position.
        """
        self._readable = readable
        self._found: dict[tuple[int, int], Spot] = {}
        # Kept alive, because their addresses are keys above.
        self._codes: dict[int, CodeType] = {}

    def at(self, code: CodeType, offset: int) -> Spot:
        """Facts about a position."""
        if not self._readable:
            return NOTHING
        key = (id(code), offset)
        spot = self._found.get(key)
        if spot is None:
            self._codes[id(code)] = code
            spot = self._found[key] = read_spot(code, offset)
        return spot


def _read_local_by_c(frame: FrameType, name: str) -> Any:
    import ctypes

    # By index: the attribute would share one function object with the whole process.
    get_variable = ctypes.pythonapi["PyFrame_GetVarString"]
    get_variable.argtypes = (ctypes.py_object, ctypes.c_char_p)
    get_variable.restype = ctypes.py_object
    return get_variable(frame, name.encode())


def _local_reader() -> Callable[[FrameType, str], Any] | None:
    """A function that reads a local variable. None if reading would change the frame.

    Before 3.13 ``f_locals`` fills a dict that stays with the frame. The dict would keep
    the application's objects alive, and change what ``locals()`` returned earlier.
    """
    if sys.version_info >= (3, 13):
        return lambda frame, name: frame.f_locals[name]
    if sys.version_info >= (3, 12):
        try:
            import ctypes  # noqa: F401
        except ImportError:
            return None
        return _read_local_by_c
    return None


_read_local = _local_reader()
READS_LOCALS = _read_local is not None
"""Whether local variables of the application's functions can be read without harm."""


def local(frame: FrameType, name: str, *, of_library: bool = False) -> Any:
    """Read a local variable, or return MISSING.

    Args:
        of_library: Whether the frame belongs to a function of the standard library
            that ends with its wait and never calls ``locals()``. Then the dict of
            ``f_locals`` does no harm.
    """
    if not frame.f_code.co_flags & CO_OPTIMIZED:
        # The namespace of a class or module, which may be an object of the application.
        return MISSING
    try:
        if _read_local is not None:
            return _read_local(frame, name)
        if of_library:
            return frame.f_locals.get(name, MISSING)
    except Exception:
        pass
    return MISSING


def resolve(path: Path, frame: FrameType) -> Any:
    """The object at a path in a frame, or MISSING."""
    name, *attributes = path.names
    if path.scope == "local":
        value = local(frame, name, of_library=frame.f_globals is vars(threading))
    else:
        value = frame.f_globals.get(name, MISSING)
    for attribute in attributes:
        if value is MISSING:
            return MISSING
        value = attribute_of(value, attribute)
    return value


def attribute_of(value: Any, name: str) -> Any:
    """An attribute that is plain data, or MISSING. Runs no code of the object."""
    kind = type(value)
    for base in _MRO(kind):
        namespace = _NAMESPACE(base)
        if "__getattribute__" in namespace and base not in (object, type, ModuleType):
            return MISSING
        if name in namespace:
            found = namespace[name]
            if type(found) is not MemberDescriptorType:
                bases = _MRO(type(found))
                is_descriptor = any("__get__" in _NAMESPACE(each) for each in bases)
                return MISSING if is_descriptor else found
            try:
                return found.__get__(value)
            except AttributeError:
                return MISSING
    try:
        return object.__getattribute__(value, name)
    except AttributeError:
        return MISSING
