"""Checks whether the native walker can run on this interpreter.

The walker reads structures of the interpreter directly. Before its first use, a child
proves that they are laid out as the walker reads them (`ops_service.heap.proof`). The proof
alone decides: patch releases of one minor release differ in places that the walker finds at
run time.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from pathlib import Path

from ops_service.errors import (
    CloneRefused,
    InsufficientMemory,
    PauseOverBudget,
    WalkFailed,
    WalkTimeout,
)
from ops_service.heap.model import EngineStatus
from ops_service.heap.proof import prove
from ops_service.heap.walker import NAME, NoWalker, walker

_OLDEST, _NEWEST = (3, 11), (3, 15)

_REPORT = (
    "Captures are off, since they could be wrong. Please report this with the version of Python."
)
_INSTALL = "Install a wheel of ops-service for this interpreter with `pip install ops-service`."

_lock = threading.Lock()
_status: tuple[int, EngineStatus] | None = None
"""Process id and status; a forked process checks again."""


def forget() -> None:
    """Discard the status, so that the next question proves the layout again. For tests."""
    global _status
    with _lock:
        _status = None


def engine_status() -> EngineStatus:
    """Report whether the native engine can run here.

    The first call costs the host the pause of one fork. Once the status is final, later
    calls cost nothing.
    """
    global _status
    with _lock:
        if _status is not None and _status[0] == os.getpid():
            return _status[1]
        status, final = _find_out()
        if final:
            _status = (os.getpid(), status)
        return status


def _find_out() -> tuple[EngineStatus, bool]:
    """The status, and whether it is final."""
    if (unsupported := _unsupported()) is not None:
        return _off(unsupported), True
    if isinstance(walker, NoWalker):
        return _off(_missing(walker.reason)), True
    compiled_for = walker.COMPILED_FOR
    try:
        failed_step = prove()
    except WalkTimeout:
        return _off(
            "The proof of the walker's layout got too little CPU time. Try again.", compiled_for
        ), False
    except (CloneRefused, InsufficientMemory, PauseOverBudget) as error:
        return _off(str(error), compiled_for), False
    except WalkFailed as error:
        # A kill from outside may not repeat; a fault does.
        passing = error.retry_after is not None
        remedy = "Try again." if passing else _INSTALL
        return _off(
            f"The proof of the walker's layout failed: {error} {remedy}", compiled_for
        ), not passing
    except Exception as error:
        return _off(
            f"The proof of the walker's layout failed: {error} {_INSTALL}", compiled_for
        ), True
    if failed_step:
        reason = f"The walker misreads {failed_step} of this interpreter. {_REPORT}"
        return _off(reason, compiled_for), True
    return EngineStatus(True, "", compiled_for), True


def _off(reason: str, compiled_for: str = "") -> EngineStatus:
    return EngineStatus(False, reason, compiled_for)


def _unsupported() -> str | None:
    """Why the engine does not run on this kind of interpreter. None if it can.

    Not left to the walker's absence: an interpreter may load a module that was built for
    another kind, as debug builds load those of release builds.
    """
    name, version = sys.implementation.name, sys.version_info
    if name != "cpython":
        return f"The snapshot engine needs CPython, and this is {name}."
    if not _OLDEST <= version[:2] <= _NEWEST:
        known = f"{_OLDEST[0]}.{_OLDEST[1]} to {_NEWEST[0]}.{_NEWEST[1]}"
        release = ".".join(map(str, version[:3]))
        return f"The snapshot engine supports CPython {known}, and this is {release}."
    if not sys.platform.startswith("linux"):
        return "The snapshot engine needs Linux."
    # Not from sysconfig, which needs a file that frozen applications leave out.
    if "t" in sys.abiflags:
        return "The snapshot engine does not support free-threaded builds."
    if hasattr(sys, "gettotalrefcount") or hasattr(sys, "getobjects"):
        return "The snapshot engine does not support debug builds of CPython."
    return None


def _missing(reason: str) -> str:
    """Why the walker could not be loaded, and what of it lies in its place.

    Args:
        reason: What the import said, if there was a file to import.
    """
    release = ".".join(map(str, sys.version_info[:3]))
    text = f"This installation of ops-service has no walker for CPython {release}"
    folder, _, stem = NAME.rpartition(".")
    others = sorted(
        each.name
        for place in importlib.import_module(folder).__path__
        for each in Path(place).glob(f"{stem}.*")
    )
    if reason:
        text += f": {reason}"
    elif others:
        text += f", only {', '.join(others)}"
    return f"{text}. {_INSTALL}"
