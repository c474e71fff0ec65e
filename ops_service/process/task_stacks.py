"""Stacks of all asyncio tasks of all loops."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any

from ops_service.process.frames import local
from ops_service.process.sample import MEMBERS, Sample
from ops_service.process.stack_model import Frame, Key, Member, OwnerKind
from ops_service.process.task_registers import referent, task_references
from ops_service.process.task_waits import TaskWaits, is_task, task_name

_DEEPEST = 1000
_CREATED_FRAMES = 16

# Types that may stand between a coroutine and the asynchronous generator or coroutine
# that it awaits. Only the collector knows their referents.
_WRAPPERS = (
    "async_generator_asend",
    "async_generator_athrow",
    "coroutine_wrapper",
    "anext_awaitable",
)


class TaskSampler:
    """Adds the stacks of tasks to a sample."""

    def __init__(self, sample: Sample, own_loop: Any) -> None:
        """
        Args:
            own_loop: A loop whose tasks are skipped. None skips no tasks.
        """
        self._sample = sample
        self._own_loop = own_loop
        self._waits = TaskWaits(sample)
        self._waits_with = getattr(asyncio.Condition.wait, "__code__", None)

    def run(self, loops: Callable[[], Iterable[Any]]) -> None:
        """Sample every task.

        Args:
            loops: Returns the loops that are known, for registers that are read by loop.
        """
        self.sample(task_references(loops))

    def sample(self, references: list[Any]) -> None:
        """Sample these tasks, given by weak or strong references."""
        self._sample.keep.append(references)
        unreadable = 0
        for number, reference in enumerate(references):
            task = referent(reference)
            if task is not None:
                try:
                    self._sample_task(id(reference), task)
                except Exception:
                    # A task of a library other than asyncio.
                    unreadable += 1
            del task
            if number % 64 == 0:
                self._sample.yield_gil()
        self._waits.settle()
        if unreadable:
            self._sample.warnings.append(f"{unreadable} tasks could not be read.")

    def _sample_task(self, owner: int, task: Any) -> None:
        # Not the methods of a subclass.
        kind: Any = asyncio.Task if is_task(task) else type(task)
        if kind.done(task) or kind.get_loop(task) is self._own_loop:
            return
        key, innermost = self._chain(task, kind.get_coro(task))
        created = None
        if (trace := getattr(task, "_source_traceback", None)) is not None:
            created = _creation(trace)
        group = self._sample.add(OwnerKind.TASK, key, owner, created)
        if created is not None and not group.created:
            group.created = created
        waiter = getattr(task, "_fut_waiter", None)
        member = None
        if len(group.members) < MEMBERS:
            member = Member(owner, task_name(task), id(task))
            group.members.append(member)
        self._waits.note_awaited(task)
        if waiter is not None:
            self._waits.note_wait(task, waiter, innermost, member)

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
            self._sample.names.setdefault(id(task), f"task {task_name(task)!r}")
        return tuple(key), innermost


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
