"""The application's event loop."""

from __future__ import annotations

import asyncio
import threading
import weakref
from typing import Any

from ops_service.process.task_stacks import task_references


def find_application_loop(own_loop: Any) -> asyncio.AbstractEventLoop | None:
    """The running loop of the main thread, or the only running one that has tasks.

    Args:
        own_loop: The service's own, which does not count.
    """
    found: dict[int, asyncio.AbstractEventLoop] = {}
    for reference in task_references():
        task = reference() if isinstance(reference, weakref.ref) else reference
        if isinstance(task, asyncio.Task):
            loop = task.get_loop()
            if loop is not own_loop and loop.is_running():
                found[id(loop)] = loop
    main = threading.main_thread().ident
    for loop in found.values():
        if getattr(loop, "_thread_id", None) == main:
            return loop
    return next(iter(found.values())) if len(found) == 1 else None
