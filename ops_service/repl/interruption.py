"""Stop a thread while it runs evaluated Python code."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class EvaluationInterrupted(BaseException):
    """Raised inside an evaluating thread to stop it. Never leaves the evaluation."""


def raise_in_thread(thread_id: int, exception: type[BaseException] | None) -> bool:
    """Ask the interpreter to raise an exception in another thread.

    The interpreter raises it when that thread next runs Python code. A thread inside a
    C call, or waiting for a lock, does not notice until it returns.

    Args:
        thread_id: As `threading.get_ident` returns it.
        exception: Its class. None cancels an exception that was not raised yet.

    Returns:
        Whether the thread exists and can be reached.
    """
    try:
        import ctypes
    except ImportError:
        return False
    # By index: the attribute is one object for the whole process, and setting its
    # argument types would change it for others.
    set_exception = ctypes.pythonapi["PyThreadState_SetAsyncExc"]
    set_exception.argtypes = (ctypes.c_ulong, ctypes.py_object)
    argument = ctypes.py_object() if exception is None else ctypes.py_object(exception)
    return bool(set_exception(ctypes.c_ulong(thread_id), argument))


class InterruptibleSection:
    """A section that another thread may interrupt: the inside of `run`, nothing else.

    So a thread of the application, such as its main thread, can run evaluated code for
    a while. It is never interrupted before or after.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread_id: int | None = None
        self.interrupted = False

    def interrupt(self) -> bool:
        """Interrupt the running code. False if no code runs."""
        with self._lock:
            if self._thread_id is None:
                return False
            self.interrupted = True
            return raise_in_thread(self._thread_id, EvaluationInterrupted)

    def run(self, body: Callable[[], T], otherwise: Callable[[BaseException], T]) -> T:
        """Run a function in this thread, open to interruptions.

        Args:
            otherwise: Creates the result if the function raised an interruption or
                its own exception.
        """
        state: _State[T] = _State()
        try:
            return self._run(body, otherwise, state)
        except BaseException:
            # The interruption came outside the loop of _run. Once more is enough, since
            # interruptions are far apart.
            return self._run(body, otherwise, state)

    def _run(
        self, body: Callable[[], T], otherwise: Callable[[BaseException], T], state: _State[T]
    ) -> T:
        # An interruption may also arrive on entry or exit, between any two instructions.
        # Then the loop repeats the exit.
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
                # No calls here: an interruption during a call could leave the loop.
                state.error = error
        state.error = None
        return state.results[0]

    def _close(self) -> None:
        with self._lock:
            self._thread_id = None
            if self.interrupted:
                # Cancel an interruption that was requested but not raised yet.
                raise_in_thread(threading.get_ident(), None)


class _State(Generic[T]):
    def __init__(self) -> None:
        self.begun = False
        self.results: list[T] = []
        self.error: BaseException | None = None
