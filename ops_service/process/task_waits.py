"""What asyncio tasks wait for, and who can end the wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

from ops_service.process.frames import MISSING, attribute_of, local
from ops_service.process.locks import is_taken, underlying
from ops_service.process.sample import Sample, shortened
from ops_service.process.stack_model import Member, Wait

# Maximum number of tasks for which older versions create the dict of f_locals.
_LOOKS_INTO_FRAMES = 1000
# How deep gather and shield may stand in each other.
_DEEPEST = 16

# By id: a reference would put the port on a path to the application's own code.
_WAIT_FOR = id(getattr(asyncio.wait_for, "__code__", None))
_GATHERING: Any = getattr(asyncio.tasks, "_GatheringFuture", object())
_RECORDS_AWAITED = hasattr(asyncio.Future, "_asyncio_awaited_by")
_ANY_ENDS = (asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION)


@dataclass(slots=True)
class _Unexplained:
    """A wait for a plain future."""

    task: Any
    waiter: Any
    member: Member | None


class TaskWaits:
    """Adds the waits of tasks to a sample."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._looks = 0
        self._acquire = id(asyncio.Lock.acquire.__code__)
        self._inside = _functions_that_wait_for_tasks()
        self._shields = _codes_within(getattr(asyncio.tasks, "shield", None))
        self._awaited: dict[int, list[Any]] = {}
        self._unexplained: list[_Unexplained] = []

    def note_awaited(self, task: Any) -> None:
        """Record who waits for a task, as asyncio itself records it from 3.14 on."""
        if _RECORDS_AWAITED:
            for each in getattr(task, "_asyncio_awaited_by", None) or ():
                self._awaited.setdefault(id(each), []).append(task)

    def note_wait(
        self, task: Any, waiter: Any, innermost: FrameType | None, member: Member | None
    ) -> None:
        """Record what a task waits for.

        Args:
            waiter: The future that wakes the task.
            innermost: The innermost frame of the task. None if it cannot be read.
        """
        what, address = type_name(type(waiter)), id(waiter)
        targets: Sequence[Any] | None = None
        if is_task(waiter):
            targets, what = (waiter,), "asyncio.Task"
        elif type(waiter) is _GATHERING:
            targets, what = (waiter,), "asyncio.gather"
        elif innermost is not None and _is_asyncio(innermost):
            code = innermost.f_code
            if id(code) == self._acquire:
                self._note_lock(task, innermost, member)
                return
            targets, what = (), f"asyncio.{code.co_qualname}"
            found = self._inside.get(id(code))
            if found is not None and self._may_look():
                targets, what = self._inside_asyncio(innermost, found)
        elif innermost is not None and id(innermost.f_code) == _WAIT_FOR:
            what = "asyncio.wait_for"
        if targets is None and (inner := self._shielded(waiter)) is not None:
            targets, what = (inner,), "asyncio.shield"
        if member is not None:
            member.wait = Wait(what, address)
        if targets is None:
            self._unexplained.append(_Unexplained(task, waiter, member))
        else:
            self._note_targets(task, what, waiter, targets, member)

    def settle(self) -> None:
        """Explain waits for plain futures by who is awaited, where asyncio records it.

        A coroutine that is not Python's own, such as Cython's, has no frame to read.
        """
        for each in self._unexplained:
            targets, what = [], ""
            for awaited in self._awaited.get(id(each.task), ()):
                found = _callback_that_wakes(awaited, each.waiter)
                if found is not None:
                    what, any_ends = found
                    targets.append(awaited)
                    if any_ends and len(targets) > 1:
                        targets = []
                        break
            if targets:
                self._note_targets(each.task, what, each.waiter, targets, each.member)

    def _note_targets(
        self, task: Any, what: str, waiter: Any, targets: Iterable[Any], member: Member | None
    ) -> None:
        node = id(task)
        waited = [each for each in self._tasks_behind(targets) if not each.done()]
        for each in waited:
            self._sample.edges.setdefault(node, []).append(id(each))
            self._sample.names.setdefault(id(each), f"task {task_name(each)!r}")
        if waited:
            self._sample.names.setdefault(node, f"task {task_name(task)!r}")
            self._sample.reasons[node] = what
        if member is not None:
            holder = self._sample.names[id(waited[0])] if waited else ""
            if len(waited) > 1:
                holder += f" and {len(waited) - 1} more"
            member.wait = Wait(what, id(waiter), holder)

    def _tasks_behind(self, futures: Iterable[Any]) -> Iterator[Any]:
        """The tasks that must end, through gather and shield."""
        pending = [(each, 0) for each in futures]
        pending.reverse()
        while pending:
            future, depth = pending.pop()
            if is_task(future):
                yield future
            elif depth < _DEEPEST and type(future) is _GATHERING:
                children = [(each, depth + 1) for each in future._children]
                pending += reversed(children)
            elif depth < _DEEPEST and (inner := self._shielded(future)) is not None:
                pending.append((inner, depth + 1))

    def _shielded(self, future: Any) -> Any:
        """The future inside ``asyncio.shield``, or None if a future is not from there."""
        for callback, *_ in _callbacks(future):
            if type(callback) is FunctionType and id(callback.__code__) in self._shields:
                inner = _closed_over(callback, "inner")
                return None if inner is MISSING else inner
        return None

    def _inside_asyncio(
        self, frame: FrameType, found: tuple[str, str, str]
    ) -> tuple[Sequence[Any] | None, str]:
        name, attribute, what = found
        inside = local(frame, name, of_library=True)
        inside = attribute_of(inside, attribute) if attribute else inside
        if not isinstance(inside, (set, list, tuple)):
            return None, what
        targets = list(inside)
        if len(targets) > 1 and local(frame, "return_when", of_library=True) in _ANY_ENDS:
            # Any of them ends the wait, so it depends on no single one.
            targets = []
        return targets, what

    def _note_lock(self, task: Any, innermost: FrameType, member: Member | None) -> None:
        node = id(task)
        self._sample.names.setdefault(node, f"task {task_name(task)!r}")
        lock = local(innermost, "self", of_library=True) if self._may_look() else MISSING
        member = member or Member(0, task_name(task), node)
        member.wait = Wait("asyncio.Lock")
        lock = underlying(lock)
        if lock is not None and is_taken(lock):
            member.wait = Wait("asyncio.Lock", id(lock))
            self._sample.note_lock_wait(node, member, lock, None)

    def _may_look(self) -> bool:
        self._looks += 1
        if self._looks == _LOOKS_INTO_FRAMES + 1:
            self._sample.warnings.append(
                f"Waits inside asyncio were looked up for {_LOOKS_INTO_FRAMES} tasks only; "
                "cycles among the others may be missing."
            )
        return self._looks <= _LOOKS_INTO_FRAMES


def _is_asyncio(frame: FrameType) -> bool:
    """Whether a frame of asyncio itself awaits a future that it made."""
    if id(frame.f_code) == _WAIT_FOR:
        # It awaits whatever it was given.
        return False
    return str(frame.f_globals.get("__name__", "")).startswith("asyncio.")


def _functions_that_wait_for_tasks() -> dict[int, tuple[str, str, str]]:
    """By code: the variable that leads to the tasks, its attribute, and the wait's name."""
    found: dict[int, tuple[str, str, str]] = {}
    for function, variable, attribute, what in (
        (getattr(asyncio.tasks, "_wait", None), "fs", "", "asyncio.wait"),
        (getattr(asyncio.TaskGroup, "__aexit__", None), "self", "_tasks", "asyncio.TaskGroup"),
        # Since some release of 3.12 the wait itself is in a separate method.
        (getattr(asyncio.TaskGroup, "_aexit", None), "self", "_tasks", "asyncio.TaskGroup"),
    ):
        code = getattr(function, "__code__", None)
        if type(code) is CodeType:
            found[id(code)] = (variable, attribute, what)
    return found


# ---- callbacks of futures ----------------------------------------------------------


def _callback_that_wakes(awaited: Any, waiter: Any) -> tuple[str, bool] | None:
    """How the end of one future wakes another, and whether it does so alone.

    None if no callback of asyncio's own leads from one to the other.
    """
    for callback, *_ in _callbacks(awaited):
        if type(callback) is MethodType:
            group = callback.__self__
            if (
                type(group) is asyncio.TaskGroup
                and attribute_of(group, "_on_completed_fut") is waiter
            ):
                return "asyncio.TaskGroup", False
        elif type(callback) is FunctionType and callback.__module__ == "asyncio.tasks":
            if _closed_over(callback, "waiter") is waiter:
                return "asyncio.wait", _closed_over(callback, "return_when") in _ANY_ENDS
            if _closed_over(callback, "outer") is waiter:
                return f"asyncio.{callback.__qualname__.partition('.')[0]}", False
    return None


def _callbacks(future: Any) -> Sequence[tuple[Any, ...]]:
    if not issubclass(type(future), asyncio.Future):
        return ()
    found = getattr(future, "_callbacks", None)
    return tuple(found) if type(found) is list else ()


def _closed_over(function: FunctionType, name: str) -> Any:
    """The value of a variable that a nested function uses, or MISSING."""
    names = function.__code__.co_freevars
    if name not in names or function.__closure__ is None:
        return MISSING
    try:
        return function.__closure__[names.index(name)].cell_contents
    except ValueError:
        return MISSING


def _codes_within(function: Any) -> set[int]:
    """Codes of the functions that a function defines."""
    code = getattr(function, "__code__", None)
    return {id(each) for each in getattr(code, "co_consts", ()) if type(each) is CodeType}


# ---- tasks -------------------------------------------------------------------------


def is_task(value: Any) -> bool:
    """Whether a value is a task of asyncio."""
    # Not isinstance, which may ask the object itself.
    return issubclass(type(value), asyncio.Task)


def task_name(task: Any) -> str:
    """The name of a task, shortened. Empty for tasks of other libraries."""
    return shortened(asyncio.Task.get_name(task)) if is_task(task) else ""


def type_name(kind: type[Any]) -> str:
    """The name of a type with its module."""
    module = vars(kind).get("__module__", kind.__module__)
    name = kind.__qualname__
    if module == "_asyncio":
        module = "asyncio"
    return f"{module}.{name}" if type(module) is str else name
