"""Stopping a thread that runs Python code, where that code is ours to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class EvaluationInterrupted(BaseException):
    """Raised inside an evaluating thread to stop it. Never leaves the evaluation."""


def raise_in_thread(thread_id: int, exception: type[BaseException] | None) -> bool:
    """Ask the interpreter to raise an exception in another thread.

    It is raised when that thread next runs Python code: a thread inside a C
    call, or waiting for a lock, does not notice until it returns.

    Args:
        thread_id: As `threading.get_ident` gives it.
        exception: Its class. None takes back one that was not raised yet.

    Returns:
        Whether there is such a thread, and a way to reach it.
    """
    try:
        import ctypes
    except ImportError:
        return False
    # By index, since the attribute is shared with everybody in the process, and
    # setting argument types on it would change it for them.
    set_exception = ctypes.pythonapi["PyThreadState_SetAsyncExc"]
    set_exception.argtypes = (ctypes.c_ulong, ctypes.py_object)
    argument = ctypes.py_object() if exception is None else ctypes.py_object(exception)
    return bool(set_exception(ctypes.c_ulong(thread_id), argument))


class InterruptibleSection:
    """What another thread may interrupt: the inside of `run`, and nothing else.

    So a thread that belongs to the application, as its main thread does, can run
    evaluated code for a while and is never interrupted before or after.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread_id: int | None = None
        self.interrupted = False

    def interrupt(self) -> bool:
        """Interrupt what runs. False if nothing does."""
        with self._lock:
            if self._thread_id is None:
                return False
            self.interrupted = True
            return raise_in_thread(self._thread_id, EvaluationInterrupted)

    def run(self, body: Callable[[], T], otherwise: Callable[[BaseException], T]) -> T:
        """Run a function in this thread, open to interruptions.

        Args:
            otherwise: Makes the result if the function raised: an interruption,
                or an exception of its own.
        """
        state: _State[T] = _State()
        try:
            return self._run(body, otherwise, state)
        except BaseException:
            # Struck between two attempts. Strikes are far apart.
            return self._run(body, otherwise, state)

    def _run(
        self, body: Callable[[], T], otherwise: Callable[[BaseException], T], state: _State[T]
    ) -> T:
        # An interruption may arrive on the way in or out as well, between any two
        # instructions; then the way out is taken once more.
        while True:
            try:
                if not state.begun:
                    state.begun = True
                    with self._lock:
                        self._thread_id = threading.get_ident()
                    state.results.append(body())
                elif not state.results:
                    assert state.error is not None
                    state.results.append(otherwise(state.error))
                self._close()
                break
            except BaseException as error:
                # No calls here, where an interruption could leave by.
                state.error = error
        state.error = None
        return state.results[0]

    def _close(self) -> None:
        with self._lock:
            self._thread_id = None
            if self.interrupted:
                # One that was asked for and has not come yet must not come later.
                raise_in_thread(threading.get_ident(), None)


class _State(Generic[T]):
    def __init__(self) -> None:
        self.begun = False
        self.results: list[T] = []
        self.error: BaseException | None = None
