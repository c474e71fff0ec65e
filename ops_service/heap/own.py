"""What ops_service itself is made of.

Walks count it apart, so that a summary or a comparison of two snapshots shows the
application and not the port that looks at it.
"""

from __future__ import annotations

import sys
import threading
import weakref
from types import ModuleType

_PACKAGE = "ops_service"
THREAD_PREFIX = "ops_service"
"""How the names of the service's own threads begin."""

_registered: weakref.WeakSet[object] = weakref.WeakSet()


def register(part: object) -> None:
    """Say that an object is part of the service, though the application holds it."""
    _registered.add(part)


def own_threads() -> list[threading.Thread]:
    """Threads that the service started and that still run."""
    return [thread for thread in threading.enumerate() if is_own(thread)]


def is_own(thread: threading.Thread) -> bool:
    """Whether the service started a thread."""
    return str(thread.name).startswith(THREAD_PREFIX)


def own_objects() -> tuple[object, ...]:
    """Objects that the service's own part of the heap begins at."""
    modules = [
        module
        for name, module in list(sys.modules.items())
        if isinstance(name, str) and (name == _PACKAGE or name.startswith(f"{_PACKAGE}."))
    ]
    # Such as are not to be found by name.
    modules += [each for each in _registered if isinstance(each, ModuleType)]
    # A function of ours that the interpreter holds, as one to call at a fork, leads to the
    # namespace of its module and on to all the others.
    namespaces = [vars(module) for module in modules]
    return (*modules, *namespaces, *own_threads(), *_registered)
