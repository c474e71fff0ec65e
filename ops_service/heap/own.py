"""Objects of ops_service itself.

Walks count them separately. So a summary or a comparison of two snapshots shows the
application, and not the port that inspects it.
"""

from __future__ import annotations

import sys
import threading
import weakref
from types import ModuleType

_PACKAGE = "ops_service"
THREAD_PREFIX = "ops_service"
"""Prefix of the names of the service's own threads."""

_registered: weakref.WeakSet[object] = weakref.WeakSet()


def register(part: object) -> None:
    """Register an object that the application or the interpreter holds as part of the service."""
    _registered.add(part)


def own_threads() -> list[threading.Thread]:
    """Running threads that the service started."""
    return [thread for thread in threading.enumerate() if is_own(thread)]


def is_own(thread: threading.Thread) -> bool:
    """Whether the service started a thread."""
    return str(thread.name).startswith(THREAD_PREFIX)


def own_objects() -> tuple[object, ...]:
    """Objects at which the service's own part of the heap begins."""
    modules = [
        module
        for name, module in list(sys.modules.items())
        if isinstance(name, str) and (name == _PACKAGE or name.startswith(f"{_PACKAGE}."))
    ]
    # Modules that cannot be found by name.
    modules += [each for each in _registered if isinstance(each, ModuleType)]
    # Functions of the service that others hold lead to the namespaces of their modules.
    namespaces = [vars(module) for module in modules]
    return (*modules, *namespaces, *own_threads(), *_registered)
