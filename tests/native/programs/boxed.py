"""Runs in the host: objects that only NumPy's arrays hold."""

from __future__ import annotations

import gc
from typing import Any

from ops_service.heap.census import take_census
from ops_service.heap.model import CensusOptions

from . import capture
from .patient import PATIENCE


class Boxed:
    """Only an array refers to its instances."""

    def __init__(self, name: str) -> None:
        self.name = name


class Holder:
    """Each array is in the slot of its name."""

    __slots__ = ("by_columns", "classed", "plain", "scalar", "square", "turned", "view")


KEPT: list[object] = []


def boxes(name: str, *shape: int) -> Any:
    import numpy as np

    array = np.empty(shape, object)
    for place in np.ndindex(*shape):
        array[place] = Boxed(name)
    return array


def plant() -> dict[str, int]:
    """Fill a holder. Return how many objects each of its arrays holds."""
    import numpy as np

    class Child(np.ndarray[Any, Any]):
        pass

    holder: Any = Holder()
    holder.plain = boxes("plain", 7)
    holder.scalar = boxes("scalar")
    holder.square = boxes("square", 3, 4)
    holder.by_columns = np.asfortranarray(boxes("by_columns", 3, 4))
    holder.turned = boxes("turned", 2, 3, 4).transpose(1, 0, 2).copy(order="K")
    holder.view = boxes("view", 9)[::2]
    holder.classed = boxes("classed", 5).view(Child).copy()
    KEPT[:] = [holder]
    counts = {name: getattr(holder, name).size for name in Holder.__slots__}
    # The array holds the objects outside the view too.
    return counts | {"view": 9}


def capture_boxed() -> dict[str, Any]:
    counts = plant()
    gc.collect()
    messages, _ = capture.snapshot()
    census = take_census(options=CensusOptions(lifetime_limit=PATIENCE))
    KEPT.clear()
    (counted,) = [
        row.count for row in census.types if row.type_name == "native.programs.boxed.Boxed"
    ]
    return {"counts": counts, "messages": messages, "counted": counted}


def capture_in_order() -> dict[str, Any]:
    """Arrays, and a list of their elements in the order of the indexes."""
    plant()
    holder: Any = KEPT[0]
    names = ["square", "by_columns", "turned"]
    KEPT.append(capture.Order(list(getattr(holder, name).flat) for name in names))
    messages, _ = capture.snapshot()
    KEPT.clear()
    return {"names": names, "messages": messages}
