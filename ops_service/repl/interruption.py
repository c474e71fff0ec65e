"""Stopping a thread that runs Python code."""

from __future__ import annotations


class EvaluationInterrupted(BaseException):
    """Raised inside an evaluating thread to stop it. Never leaves the thread."""


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
