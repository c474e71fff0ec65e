"""How large NumPy's arrays are and what they hold, where the host has NumPy.

The walking child reads arrays by a layout that the parent finds out from samples. A
host that has not imported NumPy never gets it imported.
"""

from __future__ import annotations

import sys
from typing import Any

from ops_service.heap.walker import walker

_ITEM_SIZES = (1, 17, 4321)
"""Distinct, so that nothing else in a dtype has these values."""

_KINDS = ("O", "i8", "f4", "?", "U3", "S5", "M8[s]")
"""Dtypes of as many kinds, of which "O" holds objects."""

_learnt: object = None
"""The module whose arrays the walker knows, or has failed to understand."""


def learn_arrays() -> None:
    """Let the walker learn the layout of arrays, once for each NumPy there is."""
    global _learnt
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or numpy is _learnt:
        return
    try:
        kind, samples = numpy.ndarray, _samples(numpy)
        if isinstance(kind, type):
            walker.learn_arrays(kind, samples)
    except Exception:
        # Another thread may be importing it, or it is something else by that name.
        # Sizes are estimates then.
        return
    _learnt = numpy


def _samples(numpy: Any) -> tuple[tuple[object, int, int, str], ...]:
    """Arrays, the size of an item of each, what sys.getsizeof says, and the kind of item."""
    arrays = [
        array
        for size in _ITEM_SIZES
        for array in (
            numpy.zeros((3, 5), f"V{size}"),
            numpy.zeros((), f"V{size}"),
            numpy.zeros(9, f"V{size}")[2:],
        )
    ]
    arrays += [numpy.zeros(3, kind) for kind in _KINDS]
    return tuple(
        (array, int(array.itemsize), sys.getsizeof(array), str(array.dtype.kind))
        for array in arrays
    )
