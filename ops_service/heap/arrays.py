"""Sizes and items of NumPy's arrays, if the host has imported NumPy.

The parent learns the layout of arrays from samples, and the walking child reads arrays by
that layout. Never imports NumPy into a host that has not imported it.
"""

from __future__ import annotations

import sys
from typing import Any

from ops_service.heap.walker import walker

_ITEM_SIZES = (1, 17, 4321)
"""Distinct sizes, so that no other field of a dtype has these values."""

_KINDS = ("O", "i8", "f4", "?", "U3", "S5", "M8[s]")
"""One dtype of each kind. Only "O" holds objects."""

_learnt: object = None
"""The module whose arrays the walker knows, or cannot understand."""


def learn_arrays() -> None:
    """Make the walker learn the layout of arrays, once for each NumPy module."""
    global _learnt
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or numpy is _learnt:
        return
    try:
        kind, samples = numpy.ndarray, _samples(numpy)
        if isinstance(kind, type):
            walker.learn_arrays(kind, samples)
    except Exception:
        # Another thread may be importing it, or the module only has that name. Then sizes
        # are estimates.
        return
    _learnt = numpy


def _samples(numpy: Any) -> tuple[tuple[object, int, int, str], ...]:
    """Arrays, each with its item size, its ``sys.getsizeof``, and its kind of item."""
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
