"""Event loops of the process, and the one that the application's coroutines run on."""

from __future__ import annotations

import asyncio
import asyncio.runners
import gc
import threading
from collections.abc import Iterator
from types import BuiltinMethodType, FrameType, FunctionType, MethodType
from typing import Any

from ops_service.process.bytecode import read_spot
from ops_service.process.bytecode_proof import reads_bytecode
from ops_service.process.frames import READS_LOCALS, attribute_of, local, resolve
from ops_service.process.task_registers import referent, task_references
from ops_service.process.thread_frames import current_frames

_RUN = frozenset({"run_forever", "run_until_complete"})


class LoopFinder:
    """Finds the loop that the application's coroutines run on."""

    def __init__(self, named: asyncio.AbstractEventLoop | None = None) -> None:
        """
        Args:
            named: The loop that the application named, if it did.
        """
        self._named = named

    def find(self) -> asyncio.AbstractEventLoop | None:
        """The loop that the application named, or the main thread's, or the only one.

        None if the named loop does not run, or if several loops run and none of them in
        the main thread.
        """
        if self._named is not None:
            return self._named if self._named.is_running() else None
        by_thread = running_loops()
        main = threading.main_thread().ident
        if main in by_thread:
            return by_thread[main]
        loops = {*by_thread.values(), *_frameless_loops()}
        return loops.pop() if len(loops) == 1 else None


def running_loops() -> dict[int, asyncio.AbstractEventLoop]:
    """Running event loops by thread, except those of ops_service.

    Reads the frames that run the loops, so it does not matter how a loop was created. A
    loop that is not written in Python, such as uvloop, has no frame. It is found if an
    ``asyncio.Runner`` runs it, if it is what a thread was started for, or if it stands in
    a variable of the function that runs it.
    """
    own = _own_threads()
    return {thread: loop for thread, loop in loops_on_stacks().items() if thread not in own}


def loops_on_stacks() -> dict[int, asyncio.AbstractEventLoop]:
    """Running event loops by thread, those of ops_service included."""
    runners = _functions_that_run_loops()
    found: dict[int, asyncio.AbstractEventLoop] = {}
    frames = current_frames()
    # This thread's frame leads to this function's variables, and so to itself: until a
    # collection they would keep all frames, and what the application's variables refer to.
    frames.pop(threading.get_ident(), None)
    if (own := asyncio._get_running_loop()) is not None:
        found[threading.get_ident()] = own
    for thread_id, frame in frames.items():
        if (loop := _loop_of(frame, runners)) is not None:
            found[thread_id] = loop
    return found


def loops_of_threads() -> list[asyncio.AbstractEventLoop]:
    """Loops that ``asyncio.set_event_loop`` gave to live threads, whether they run or not."""
    variables = attribute_of(getattr(asyncio.events, "_event_loop_policy", None), "_local")
    if not issubclass(type(variables), threading.local):
        return []
    found: list[asyncio.AbstractEventLoop] = []
    # A thread-local object refers to a dict, which leads to the variables of each thread.
    for each in gc.get_referents(variables):
        for namespace in list(each.values()) if type(each) is dict else ():
            loop: Any = namespace.get("_loop") if type(namespace) is dict else None
            if _is_loop(loop):
                found.append(loop)
    return found


def _loop_of(frame: FrameType | None, runners: dict[int, str]) -> asyncio.AbstractEventLoop | None:
    while frame is not None:
        loop = _loop_run_by(frame, runners)
        if _is_loop(loop) and loop.is_running():
            found: asyncio.AbstractEventLoop = loop
            return found
        frame = frame.f_back
    return None


def _loop_run_by(frame: FrameType, runners: dict[int, str]) -> Any:
    code = frame.f_code
    variable = runners.get(id(code))
    if variable is not None:
        return local(frame, variable, of_library=True)
    if code is asyncio.runners.Runner.run.__code__:
        return attribute_of(local(frame, "self", of_library=True), "_loop")
    if code is threading.Thread.run.__code__:
        target = attribute_of(local(frame, "self", of_library=True), "_target")
        return target.__self__ if type(target) in (MethodType, BuiltinMethodType) else None
    # The names first, since few functions have them, and reading bytecode costs more.
    if not _RUN.isdisjoint(code.co_names) and reads_bytecode():
        spot = read_spot(code, frame.f_lasti)
        if spot.called in _RUN and spot.on is not None:
            return resolve(spot.on, frame)
    return None


def _functions_that_run_loops() -> dict[int, str]:
    """By address of its code, the name of the variable that holds the loop."""
    found = {id(asyncio.BaseEventLoop.run_forever.__code__): "self"}
    kinds: list[type] = [asyncio.AbstractEventLoop] if READS_LOCALS else []
    while kinds:
        kind = kinds.pop()
        kinds += type.__subclasses__(kind)
        function = vars(kind).get("run_forever")
        if type(function) is FunctionType and function.__code__.co_argcount:
            found[id(function.__code__)] = function.__code__.co_varnames[0]
    return found


def _is_loop(value: Any) -> bool:
    # Not isinstance, which may ask the object itself.
    return issubclass(type(value), asyncio.AbstractEventLoop)


def _frameless_loops() -> Iterator[asyncio.AbstractEventLoop]:
    """Running loops without a Python frame, such as uvloop, as far as they are known."""
    own = _own_threads()
    loops: list[Any] = [*loops_on_stacks().values(), *loops_of_threads()]
    for reference in task_references(lambda: loops):
        task = referent(reference)
        if isinstance(task, asyncio.Task):
            loops.append(task.get_loop())
    for loop in set(loops):
        if loop.is_running() and getattr(loop, "_thread_id", None) not in own:
            yield loop


def _own_threads() -> set[int | None]:
    return {each.ident for each in threading.enumerate() if each.name.startswith("ops_service")}
