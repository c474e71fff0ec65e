"""Stacks of all asyncio tasks of all loops, and their waits."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Sequence
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any

from ops_service.process.frames import MISSING, attribute_of, local
from ops_service.process.locks import is_taken, underlying
from ops_service.process.sample import MEMBERS, Sample, shortened
from ops_service.process.stack_model import Frame, Key, Member, OwnerKind, Wait

_DEEPEST = 1000
_CREATED_FRAMES = 16
# Maximum number of tasks for which older versions create the dict of f_locals.
_LOOKS_INTO_FRAMES = 1000

# Types that may stand between a coroutine and the asynchronous generator or coroutine
# that it awaits. Only the collector knows their referents.
_WRAPPERS = (
    "async_generator_asend",
    "async_generator_athrow",
    "coroutine_wrapper",
    "anext_awaitable",
)

_GATHERING: Any = getattr(asyncio.tasks, "_GatheringFuture", object())


def task_references() -> list[Any]:
    """Weak references to every task, and strong references to tasks that run eagerly.

    One call copies each set, and no task can be added during that call.
    """
    tasks = asyncio.tasks
    found: list[Any] = []
    for name in ("_scheduled_tasks", "_all_tasks"):
        data = getattr(getattr(tasks, name, None), "data", None)
        if isinstance(data, set):
            found.extend(data.copy())
    eager = getattr(tasks, "_eager_tasks", None)
    if isinstance(eager, set):
        found.extend(eager.copy())
    return found


class TaskSampler:
    """Adds the stacks of tasks to a sample."""

    def __init__(self, sample: Sample, own_loop: Any) -> None:
        self._sample = sample
        self._own_loop = own_loop
        self._looks = 0
        self._acquire = id(asyncio.Lock.acquire.__code__)
        self._waits_with = getattr(asyncio.Condition.wait, "__code__", None)
        self._inside = _functions_that_wait_for_tasks()

    def run(self) -> None:
        """Sample every task."""
        references = task_references()
        self._sample.keep.append(references)
        unreadable = 0
        for number, reference in enumerate(references):
            task = reference() if isinstance(reference, weakref.ref) else reference
            if task is not None:
                try:
                    self._sample_task(id(reference), task)
                except Exception:
                    # A task of a library other than asyncio.
                    unreadable += 1
            del task
            if number % 64 == 0:
                self._sample.yield_gil()
        if unreadable:
            self._sample.warnings.append(f"{unreadable} tasks could not be read.")

    def _sample_task(self, owner: int, task: Any) -> None:
        if task.done() or task.get_loop() is self._own_loop:
            return
        node = id(task)
        coroutine = task.get_coro()
        key, innermost = self._chain(task, coroutine)
        created = None
        if (trace := getattr(task, "_source_traceback", None)) is not None:
            created = _creation(trace)
        group = self._sample.add(OwnerKind.TASK, key, owner, created)
        if created is not None and not group.created:
            group.created = created
        waiter = getattr(task, "_fut_waiter", None)
        member = None
        if len(group.members) < MEMBERS:
            member = Member(owner, _name(task), node)
            group.members.append(member)
        if waiter is not None:
            self._note_wait(task, waiter, innermost, member)

    def _chain(self, task: Any, awaited: Any) -> tuple[Key, FrameType | None]:
        key: list[int] = []
        innermost = None
        entered: set[int] = set()
        waiting: list[Any] = []
        codes = self._sample.codes
        for _ in range(_DEEPEST):
            kind = type(awaited)
            if kind is CoroutineType:
                frame, code, following = awaited.cr_frame, awaited.cr_code, awaited.cr_await
                if frame is not None and awaited.cr_running:
                    # Its inner part is on the stack of the thread that runs it.
                    here = (id(code), frame.f_lasti)
                    codes[here[0]] = code
                    return (*key, *self._sample.running.get(id(frame), here)), None
            elif kind is GeneratorType:
                frame, code, following = awaited.gi_frame, awaited.gi_code, awaited.gi_yieldfrom
            elif kind is AsyncGeneratorType:
                frame, code, following = awaited.ag_frame, awaited.ag_code, awaited.ag_await
            elif kind.__name__ in _WRAPPERS:
                awaited = _wrapped(awaited)
                if awaited is None:
                    break
                continue
            else:
                break
            if frame is None:
                break
            address, offset = id(code), frame.f_lasti
            codes[address] = code
            key += (address, offset)
            innermost = frame
            if code.co_exceptiontable:
                entered.update(self._sample.entered_locks(frame, code, offset))
            if code is self._waits_with:
                waiting.append(local(frame, "self", of_library=True))
            if following is None:
                break
            awaited = following
        if entered and self._sample.note_holder(id(task), entered, waiting):
            self._sample.names.setdefault(id(task), f"task {_name(task)!r}")
        return tuple(key), innermost

    def _note_wait(
        self, task: Any, waiter: Any, innermost: FrameType | None, member: Member | None
    ) -> None:
        node = id(task)
        what, address = _type_name(type(waiter)), id(waiter)
        targets: Sequence[Any] = ()
        if _is_task(waiter):
            targets, what = (waiter,), "asyncio.Task"
        elif type(waiter) is _GATHERING:
            targets, what = list(waiter._children), "asyncio.gather"
        elif innermost is not None:
            code = innermost.f_code
            if id(code) == self._acquire:
                self._note_lock(node, task, innermost, member)
                return
            found = self._inside.get(id(code))
            if found is not None and self._may_look():
                name, attribute, what = found
                inside = local(innermost, name, of_library=True)
                inside = attribute_of(inside, attribute) if attribute else inside
                targets = list(inside) if isinstance(inside, (set, list, tuple)) else ()
                one_is_enough = local(innermost, "return_when", of_library=True) in (
                    asyncio.FIRST_COMPLETED,
                    asyncio.FIRST_EXCEPTION,
                )
                if one_is_enough and len(targets) > 1:
                    # Any of them ends the wait, so it depends on no single one.
                    targets = ()
            elif str(innermost.f_globals.get("__name__", "")).startswith("asyncio."):
                what = f"asyncio.{code.co_qualname}"
        waited = [each for each in targets if _is_task(each) and not each.done()]
        for each in waited:
            self._sample.edges.setdefault(node, []).append(id(each))
            self._sample.names.setdefault(id(each), f"task {_name(each)!r}")
        if waited:
            self._sample.names.setdefault(node, f"task {_name(task)!r}")
            self._sample.reasons[node] = what
        if member is not None:
            holder = self._sample.names[id(waited[0])] if waited else ""
            if len(waited) > 1:
                holder += f" and {len(waited) - 1} more"
            member.wait = Wait(what, address, holder)

    def _note_lock(self, node: int, task: Any, innermost: FrameType, member: Member | None) -> None:
        self._sample.names.setdefault(node, f"task {_name(task)!r}")
        lock = local(innermost, "self", of_library=True) if self._may_look() else MISSING
        member = member or Member(0, _name(task), node)
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


def _wrapped(wrapper: Any) -> Any:
    for each in gc.get_referents(wrapper):
        if type(each) in (CoroutineType, GeneratorType, AsyncGeneratorType):
            return each
        if type(each).__name__ in _WRAPPERS:
            return each
    return None


def _creation(trace: Any) -> tuple[Frame, ...]:
    """The innermost frames of a traceback from asyncio's debug mode."""
    frames = [
        Frame(str(each.filename), str(each.name), each.lineno or 0)
        for each in list(trace)[-_CREATED_FRAMES:]
    ]
    return tuple(frames)


def _is_task(value: Any) -> bool:
    # Not isinstance, which may ask the object itself.
    return issubclass(type(value), asyncio.Task)


def _name(task: Any) -> str:
    if _is_task(task):
        return shortened(asyncio.Task.get_name(task))
    return ""


def _type_name(kind: type[Any]) -> str:
    module = vars(kind).get("__module__", kind.__module__)
    name = kind.__qualname__
    if module == "_asyncio":
        module = "asyncio"
    return f"{module}.{name}" if type(module) is str else name
