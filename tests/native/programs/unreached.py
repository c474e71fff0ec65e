"""Runs in the host: objects that no root reaches, held by C code or by nothing."""

from __future__ import annotations

import ctypes
import gc
import importlib
import sys
from typing import Any

from . import capture


class Knot:
    """Refers to itself, and to a given object."""

    def __init__(self, *parts: object) -> None:
        self.itself = self
        self.parts = parts


class Pinned:
    """Held by a reference that no object shows."""

    def __init__(self, part: object = None) -> None:
        self.part = part


class Behind:
    """Only pinned objects refer to it."""


class PinnedKnot(Knot):
    """In a cycle, and also held by C code."""


class Garbage(Knot):
    """In a cycle that nothing holds."""


class Shared:
    """Two objects that nothing holds refer to it."""


class Lasting(Knot):
    """Immortal, in a cycle that nothing holds."""


# The reference count of an immortal object, from CPython 3.12 on.
IMMORTAL = 0xFFFF_FFFF


def take_reference(thing: object) -> None:
    """Like C code that keeps an object: the reference is nowhere visible."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def give_back(thing: object) -> None:
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(thing))


def plant() -> list[int]:
    """Addresses of the objects that C code holds."""
    held: list[object] = [Pinned(Behind()), PinnedKnot(), PinnedKnot(Behind())]
    shared = Shared()
    Garbage(shared)
    # Garbage may refer to an object that C code holds.
    Garbage(shared, held[0])
    if sys.version_info >= (3, 12):
        lasting = Lasting()
        ctypes.c_uint32.from_address(id(lasting)).value = IMMORTAL
    for each in held:
        take_reference(each)
    return list(map(id, held))


# The collector is off for everything that runs in this process: see capture.py.


def capture_unreached() -> list[bytes]:
    gc.collect()
    addresses = plant()
    messages, _ = capture.snapshot()
    for address in addresses:
        give_back(ctypes.cast(address, ctypes.py_object).value)
    gc.collect()
    return messages


def capture_fault(directory: str) -> dict[str, Any]:
    """Unreached objects of a type that faults after it has reported a reference."""
    sys.path.insert(0, directory)
    faulty = importlib.import_module("faulty")
    gc.collect()
    thing = faulty.Faulty("late", [Garbage()])
    take_reference(thing)
    address = id(thing)
    del thing
    messages, summary = capture.snapshot()
    give_back(ctypes.cast(address, ctypes.py_object).value)
    return {"messages": messages, "warnings": summary["warnings"]}


class InGreenlet:
    """A local variable of a suspended greenlet."""


def capture_greenlet() -> list[bytes]:
    import greenlet

    def work() -> None:
        thing = InGreenlet()
        greenlet.getcurrent().parent.switch()
        del thing

    suspended = greenlet.greenlet(work)
    suspended.switch()
    messages, _ = capture.snapshot()
    suspended.switch()
    return messages
