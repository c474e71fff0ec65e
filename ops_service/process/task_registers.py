"""Where asyncio registers its tasks, which differs between releases, with a proof.

Up to 3.13 all loops share sets of weak references. From 3.14 on, a task written in C stands
in a list of the thread that made it, or of the interpreter if that thread has ended. No
code in Python can read these lists. ``asyncio.all_tasks(loop)`` does, in one call without
a lock, and returns the tasks of one loop; so there the loops must be known.
"""

from __future__ import annotations

import asyncio
import enum
import gc
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from ops_service.process.proof_loop import ProofLoop, proved

_C_HAS_SETS = sys.version_info >= (3, 14)

CANNOT_FIND = (
    "asyncio's tasks cannot be found in this process: a task of the service's own was not "
    "found where this release of Python registers them. Tasks are missing, and so are "
    "circles between them."
)


class Register(enum.Enum):
    """Where tasks written in C are found."""

    SETS = "sets that all loops share"
    LISTS = "lists that are read by loop"
    UNKNOWN = "unknown"


@cache
def register() -> Register:
    """Where a task of our own is found. Costs some 0.2 ms, once a process."""
    if proved(lambda: _is_found(_in_sets)):
        return Register.SETS
    if proved(lambda: _is_found(_in_lists)):
        return Register.LISTS
    return Register.UNKNOWN


def _is_found(find: Callable[[Any], Iterable[Any]]) -> bool:
    loop = ProofLoop()
    task = loop.start(_waits(loop), "ops_service-proof")
    try:
        return any(each is task for each in find(loop))
    finally:
        loop.close()


async def _waits(loop: ProofLoop) -> None:
    await loop.create_future()


def task_references(loops: Callable[[], Iterable[Any]]) -> list[Any]:
    """Weak references to every task, and strong references to tasks that run eagerly.

    A call copies each register, and no task can be added during that call. With lists,
    a call holds the GIL for some 0.3 ms for a thousand tasks of the process, once for each
    loop. A subclass of Task that replaces ``done``, ``get_loop`` or ``__hash__`` is asked.

    Args:
        loops: Returns the loops whose tasks are wanted, for registers that are read by
            loop. Not called for others.
    """
    if register() is Register.SETS:
        return _set_references()
    found = {id(task): task for task in _in_sets()}
    for loop in loops():
        try:
            found.update((id(task), task) for task in _in_lists(loop))
        except Exception:
            # A subclass of Task in the application raised; its loop's tasks are lost.
            continue
    # Weak, so that no task lives longer between two samples.
    return [_weak(task) for task in found.values()]


def referent(reference: Any) -> Any:
    """What `task_references` refers to by one of its elements; None if the task is gone."""
    return reference() if isinstance(reference, weakref.ref) else reference


def _weak(task: Any) -> Any:
    try:
        return weakref.ref(task)
    except TypeError:
        return task


def _set_references() -> list[Any]:
    found: list[Any] = []
    for each in _sets():
        found.extend(each.copy())
    return found


def _in_sets(_: Any = None) -> Iterator[Any]:
    for reference in _set_references():
        task = referent(reference)
        # A set of types of coroutines stands beside those of tasks.
        if task is not None and not issubclass(type(task), type):
            yield task


def _sets() -> Iterator[set[Any]]:
    """The sets of registers: of asyncio's code in Python, and from 3.14 on of that in C."""
    tasks = asyncio.tasks
    registers = [
        getattr(tasks, name, None) for name in ("_scheduled_tasks", "_all_tasks", "_eager_tasks")
    ]
    accelerator = sys.modules.get("_asyncio")
    if _C_HAS_SETS and accelerator is not None:
        # Tasks of other libraries stand in two sets that the module refers to.
        registers += gc.get_referents(accelerator)
    known: set[int] = set()
    for each in registers:
        data = each if type(each) is set else getattr(each, "data", None)
        if type(each) in (set, weakref.WeakSet) and type(data) is set and id(data) not in known:
            known.add(id(data))
            yield data


def _in_lists(loop: Any) -> Iterable[Any]:
    # Not asyncio.all_tasks, which a library may have replaced.
    all_tasks = getattr(asyncio.tasks, "_c_all_tasks", asyncio.all_tasks)
    found: Iterable[Any] = all_tasks(loop)
    return found
