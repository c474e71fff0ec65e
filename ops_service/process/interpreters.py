"""Whether the process has other interpreters beside this one."""

from __future__ import annotations

from functools import cache
from typing import Any


def others_exist() -> bool | None:
    """Whether the process has more than one interpreter now. None if that is not known.

    Costs a few microseconds. New interpreters stand in front of the main one, which is the
    last to go. So the first one is the main one if and only if it is alone. No interpreter
    is read, because another thread may end it meanwhile.
    """
    functions = _head_and_main()
    if functions is None:
        return None
    head, main = functions
    return bool(head() != main())


@cache
def _head_and_main() -> tuple[Any, Any] | None:
    try:
        import ctypes

        # By index: attributes would share one function object with the whole process.
        head = ctypes.pythonapi["PyInterpreterState_Head"]
        main = ctypes.pythonapi["PyInterpreterState_Main"]
    except (ImportError, AttributeError, OSError):
        # A Python can be built without ctypes.
        return None
    for function in (head, main):
        function.argtypes = ()
        function.restype = ctypes.c_void_p
    return head, main
