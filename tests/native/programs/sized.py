"""Runs in the host: objects that are larger than their structure."""

from __future__ import annotations

import array
import collections
import io
import sys
from collections.abc import Callable
from typing import Any

from . import capture


def plain() -> list[object]:
    data = bytearray(range(200))
    queues = [collections.deque(range(n)) for n in (0, 1, 64, 65, 500)]
    for number in range(100):
        queues[-1].popleft()
        queues[-1].append(number)
    ordered: collections.OrderedDict[Any, Any] = collections.OrderedDict.fromkeys(range(50))
    for number in range(20):
        del ordered[number]
    views = [memoryview(data), memoryview(data)[3:9], memoryview(data).cast("B", (10, 20))]
    arrays = [array.array(code, range(n)) for code in "bHiqd" for n in (0, 1, 99)]
    grown = bytearray()
    for number in range(999):
        grown.append(number & 255)
    data_end = bytearray(b"from the front is cut " * 40)
    del data_end[:100]
    return [*queues, ordered, *views, *arrays, grown, data_end]


def numpy_arrays() -> list[object]:
    import numpy as np

    class Child(np.ndarray[Any, Any]):
        pass

    base = np.arange(24.0)
    record = np.zeros(5, [("a", "i4"), ("b", "f8", (3,)), ("name", "U7")])
    empty: list[int] = []
    made = [base, base.reshape(2, 3, 4), base[::2], base.T, np.array(3), np.array(empty)]
    kinds = [np.zeros(3, code) for code in ("?", "i1", "f2", "c16", "U9", "S3", "O", "M8[s]")]
    foreign = np.frombuffer(bytes(80), "u4")
    return [*made, *kinds, record, record["b"], foreign, np.zeros((0, 5)), base.view(Child)]


def own_size() -> list[object]:
    class Own:
        def __sizeof__(self) -> int:
            return 12345

    class Mixin:
        def __sizeof__(self) -> int:
            return 12345

    class First(Mixin, list[int]):
        pass

    class BeforeBytes(bytes, Mixin):
        """Bytes do not define this method, so the mixin's is found first."""

    class Plain(Child, Mixin):
        pass

    return [io.BytesIO(b"abc"), Own(), First(), BeforeBytes(), Plain()]


class Child:
    pass


def unused_mixin() -> list[object]:
    """Classes whose structure knows its size, so the mixin's method is not called."""

    class Mixin:
        def __sizeof__(self) -> int:
            return 12345

    class Items(list[int], Mixin):
        pass

    class Text(str, Mixin):
        pass

    class Queue(collections.deque[int], Mixin):
        pass

    return [Items(range(9)), Text("abc"), Queue(range(99))]


HEAPS: dict[str, Callable[[], list[object]]] = {
    each.__name__: each for each in (plain, numpy_arrays, own_size, unused_mixin)
}


def capture_sizes(name: str) -> tuple[list[str], list[int], list[bytes]]:
    things = HEAPS[name]()
    order = capture.Order(things)
    capture.KEPT.append(order)
    messages, _ = capture.snapshot()
    capture.KEPT.clear()
    return [repr(type(thing)) for thing in things], list(map(sys.getsizeof, things)), messages


def has_numpy() -> bool:
    return "numpy" in sys.modules
