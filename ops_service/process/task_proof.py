"""Proof that stacks and waits of asyncio tasks are read right, on tasks of our own.

Nothing of the host takes part: the tasks run in a loop of the proof, in the calling thread,
and end with it.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator
from functools import cache

from ops_service.process.bytecode_proof import reads_bytecode
from ops_service.process.frames import READS_LOCALS, Spots
from ops_service.process.proof_loop import ProofLoop, proved
from ops_service.process.sample import Sample
from ops_service.process.task_stacks import TaskSampler

CANNOT_SEE_WAITS = (
    "What asyncio tasks wait for cannot be read reliably in this process: the service's own "
    "tasks were not read right. Waits of tasks may be wrong, and circles missing."
)

_WAITED_FOR = "task 'ops_service-proof waited for'"
_CHILD = "task 'ops_service-proof'"


@cache
def sees_task_waits() -> bool:
    """Whether stacks and waits of tasks are read right. Costs some milliseconds, once."""
    return proved(_reads_own_tasks)


def _reads_own_tasks() -> bool:
    loop = ProofLoop()
    try:
        cases = _Cases(loop)
        loop.run_until_idle()
        readable = reads_bytecode()
        sample = Sample(Spots(readable=readable), {})
        TaskSampler(sample, None).sample([weakref.ref(task) for task in loop.tasks])
        sample.settle_locks()
        expected = cases.expected(locks=readable and READS_LOCALS)
        return _waits_of(sample) == expected and cases.functions <= _functions(sample)
    finally:
        loop.close()


class _Cases:
    """Tasks that wait for others in each way that is known."""

    functions = frozenset({"_waits", "_generates", "_Cases._iterates"})
    """Names of functions on the stack of one task, which leads through a generator."""

    def __init__(self, loop: ProofLoop) -> None:
        self._loop = loop
        self._lock = asyncio.Lock()
        self._waited_for = self._start(_waits(loop), "waited for")
        self._start(self._iterates(), "iterates")
        self._start(self._awaits(), "awaits")
        self._start(self._gathers(), "gathers")
        self._start(self._shields(), "shields")
        self._start(self._waits_for_all(), "waits for all")
        self._start(self._waits_for_any(), "waits for any")
        self._start(self._groups(), "groups")
        self._start(self._holds(), "holds")
        self._start(self._wants(), "wants")

    def expected(self, *, locks: bool) -> dict[str, set[str]]:
        """Whom each task waits for, by name."""
        found = {
            _name(each): {_WAITED_FOR} for each in ("awaits", "gathers", "shields", "waits for all")
        }
        found[_name("groups")] = {_CHILD}
        if locks:
            found[_name("wants")] = {_name("holds")}
        return found

    def _start(self, coroutine: object, name: str) -> asyncio.Task[object]:
        return self._loop.start(coroutine, f"ops_service-proof {name}")  # type: ignore[arg-type]

    async def _iterates(self) -> None:
        async for _ in _generates(self._loop):
            pass

    async def _awaits(self) -> None:
        await self._waited_for

    async def _gathers(self) -> None:
        await asyncio.gather(self._waited_for)

    async def _shields(self) -> None:
        await asyncio.shield(self._waited_for)

    async def _waits_for_all(self) -> None:
        await asyncio.wait([self._waited_for])

    async def _waits_for_any(self) -> None:
        futures = [self._waited_for, self._loop.create_future()]
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)

    async def _groups(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_waits(self._loop), name="ops_service-proof")

    async def _holds(self) -> None:
        async with self._lock:
            await _waits(self._loop)

    async def _wants(self) -> None:
        async with self._lock:
            pass


async def _waits(loop: ProofLoop) -> None:
    await loop.create_future()


async def _generates(loop: ProofLoop) -> AsyncIterator[None]:
    await _waits(loop)
    yield


def _name(case: str) -> str:
    return f"task 'ops_service-proof {case}'"


def _waits_of(sample: Sample) -> dict[str, set[str]]:
    return {
        sample.names[node]: {sample.names[each] for each in targets}
        for node, targets in sample.edges.items()
    }


def _functions(sample: Sample) -> set[str]:
    return {code.co_qualname for code in sample.codes.values()}
