"""Stacks of all threads, and their waits."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from inspect import CO_COROUTINE
from types import CodeType, FrameType
from typing import Any

from ops_service.process.frames import MISSING, local, resolve
from ops_service.process.locks import is_taken, lock_name, owner_of, underlying
from ops_service.process.sample import MEMBERS, Sample, shortened
from ops_service.process.stack_model import Member, OwnerKind, Wait
from ops_service.process.thread_frames import current_frames

_DEEPEST = 5000
_TRIES = 3

# Functions of the standard library in which a thread waits: module, qualified name, and
# name of the wait. If several call each other, the outermost counts.
_WAITS = (
    ("threading", "Condition.wait", "threading.Condition"),
    ("threading", "Condition.wait_for", "threading.Condition"),
    ("threading", "Event.wait", "threading.Event"),
    ("threading", "Semaphore.acquire", "threading.Semaphore"),
    ("threading", "Barrier._wait", "threading.Barrier"),
    ("threading", "Barrier.wait", "threading.Barrier"),
    ("threading", "Thread._wait_for_tstate_lock", "threading.Thread"),
    ("threading", "Thread.join", "threading.Thread"),
    ("queue", "Queue.get", "queue.Queue.get"),
    ("queue", "Queue.put", "queue.Queue.put"),
    ("queue", "Queue.join", "queue.Queue.join"),
    ("concurrent.futures._base", "Future.result", "concurrent.futures.Future"),
    ("concurrent.futures._base", "Future.exception", "concurrent.futures.Future"),
    ("concurrent.futures._base", "wait", "concurrent.futures.wait"),
    ("concurrent.futures.thread", "_worker", "work for a concurrent.futures thread"),
    ("selectors", "EpollSelector.select", "input or output (epoll)"),
    ("selectors", "PollSelector.select", "input or output (poll)"),
    ("selectors", "SelectSelector.select", "input or output (select)"),
    ("selectors", "KqueueSelector.select", "input or output (kqueue)"),
    ("asyncio.base_events", "BaseEventLoop._run_once", "the next event of an asyncio loop"),
    ("socket", "SocketIO.readinto", "input of a socket"),
    ("socket", "socket.accept", "a connection to a socket"),
    ("ssl", "SSLSocket.read", "input of a socket (TLS)"),
    ("subprocess", "Popen._try_wait", "a child process"),
    ("subprocess", "Popen._wait", "a child process"),
    # Since 3.15, for a wait with a timeout.
    ("subprocess", "Popen._wait_pidfd", "a child process"),
    ("subprocess", "Popen.wait", "a child process"),
    ("multiprocessing.connection", "Connection._recv", "input of a pipe"),
)
# Blocking methods and functions in C, for threads that no function above describes.
_CALLS = {
    "sleep": "time.sleep",
    "recv": "input of a socket",
    "recv_into": "input of a socket",
    "recvfrom": "input of a socket",
    "accept": "a connection to a socket",
    "sendall": "room in a socket",
    "poll": "input or output (poll)",
    "select": "input or output (select)",
    "waitpid": "a child process",
}


def sample_threads(sample: Sample, is_own: Callable[[threading.Thread], bool] | None) -> None:
    """Add the stacks of all threads to a sample.

    Args:
        is_own: Whether a thread is the service's; such threads are skipped. None
            skips none.
    """
    waits = known_waits()
    # Not threading.enumerate, which takes a lock that the host may hold.
    threads = dict(threading._active)  # type: ignore[attr-defined]
    frames = current_frames()
    for ident, thread in threads.items():
        sample.names[-ident] = f"thread {_name(thread)!r}"
    for ident in sorted(frames):
        top = frames.pop(ident)
        thread = threads.get(ident)
        if thread is not None and is_own is not None and is_own(thread):
            continue
        _sample_thread(sample, waits, ident, thread, top)
        del top
        sample.yield_gil()


def _sample_thread(
    sample: Sample, waits: dict[int, str], ident: int, thread: Any, top: FrameType
) -> None:
    frames = _walk(top)
    key: list[int] = []
    entered: set[int] = set()
    sample.names.setdefault(-ident, f"thread {ident:#x}")
    for frame in frames:
        code, offset = frame.f_code, frame.f_lasti
        sample.codes[id(code)] = code
        key += (id(code), offset)
        if code.co_exceptiontable:
            entered.update(sample.entered_locks(frame, code, offset))
    if entered:
        waits_with = getattr(threading.Condition.wait, "__code__", None)
        waiting = [
            local(frame, "self", of_library=True) for frame in frames if frame.f_code is waits_with
        ]
        sample.note_holder(-ident, entered, waiting)
    for index, frame in enumerate(frames):
        if frame.f_code.co_flags & CO_COROUTINE:
            sample.running.setdefault(id(frame), tuple(key[2 * index :]))
    group = sample.add(OwnerKind.THREAD, tuple(key), -ident)
    member = Member(
        -ident,
        _name(thread),
        ident,
        native_id=getattr(thread, "_native_id", None) or 0,
        daemon=bool(getattr(thread, "_daemonic", False)),
    )
    _note_wait(sample, waits, frames, -ident, member)
    if len(group.members) < MEMBERS:
        group.members.append(member)


def _walk(top: FrameType) -> list[FrameType]:
    """The frames of a stack from its top frame, outermost first."""
    for _ in range(_TRIES):
        offset = top.f_lasti
        frames: list[FrameType] = []
        frame: FrameType | None = top
        while frame is not None and len(frames) < _DEEPEST:
            frames.append(frame)
            frame = frame.f_back
        # The thread may have moved on, if this thread had to wait meanwhile.
        if top.f_lasti == offset:
            break
    frames.reverse()
    return frames


def _name(thread: Any) -> str:
    # Not the property, which a subclass may have replaced.
    return shortened(getattr(thread, "_name", ""))


def known_waits() -> dict[int, str]:
    """Names of waits by code, for the loaded functions of the standard library."""
    found: dict[int, str] = {}
    for module, name, what in _WAITS:
        function: Any = sys.modules.get(module)
        for part in name.split("."):
            function = getattr(function, "__dict__", {}).get(part)
        code = getattr(function, "__code__", None)
        if type(code) is CodeType:
            found[id(code)] = what
    return found


def _note_wait(
    sample: Sample, waits: dict[int, str], frames: list[FrameType], node: int, member: Member
) -> None:
    what, waiting = "", None
    for frame in reversed(frames):
        found = waits.get(id(frame.f_code))
        if found is None:
            break
        what, waiting = found, frame
    if waiting is None:
        _note_call(sample, frames[-1], node, member)
        return
    owner = local(waiting, "self", of_library=True)
    member.wait = Wait(what, 0 if owner is MISSING else id(owner))
    if what == "threading.Thread" and isinstance(owner, threading.Thread):
        target = -(getattr(owner, "_ident", None) or 0)
        member.wait = Wait(what, id(owner), sample.names.get(target, ""))
        sample.edges.setdefault(node, []).append(target)
        sample.reasons[node] = what


def _note_call(sample: Sample, top: FrameType, node: int, member: Member) -> None:
    spot = sample.spots.at(top.f_code, top.f_lasti)
    if spot.called in ("acquire", "__enter__") and spot.on is not None:
        lock = underlying(resolve(spot.on, top))
        if lock is not None and is_taken(lock):
            member.wait = Wait(lock_name(lock), id(lock))
            sample.note_lock_wait(node, member, lock, owner_of(lock))
            return
    if spot.called in ("acquire", "__enter__"):
        member.wait = Wait("a lock") if spot.called == "acquire" else None
    elif spot.called in _CALLS:
        member.wait = Wait(_CALLS[spot.called])
