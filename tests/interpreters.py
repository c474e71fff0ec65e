"""Makes interpreters beside the main one, on every release of CPython."""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import Any

OWN_GILS = sys.version_info >= (3, 12)
"""Whether an interpreter can have a GIL of its own."""

_module: Any = importlib.import_module(
    "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
)
# Before 3.13 an interpreter ends when nothing refers to the object that names it.
_kept: dict[int, Any] = {}


def create(*, own_gil: bool = False) -> int:
    """Make an interpreter. Return its id."""
    if sys.version_info >= (3, 13):
        made = _module.create("isolated" if own_gil else "legacy")
    else:
        made = _module.create(isolated=own_gil)
    _kept[int(made)] = made
    return int(made)


def run(identifier: int, code: str) -> None:
    """Run code in an interpreter, and wait for its end."""
    function = _module.exec if sys.version_info >= (3, 13) else _module.run_string
    if (failed := function(_kept[identifier], code)) is not None:
        raise RuntimeError(failed)


def destroy(identifier: int) -> None:
    """End an interpreter."""
    _module.destroy(_kept[identifier])
    # In some releases, the object still counts as a reference to the ended interpreter.
    with contextlib.suppress(RuntimeError):
        del _kept[identifier]
