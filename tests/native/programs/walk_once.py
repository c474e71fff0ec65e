"""A census and a capture of a process with objects of many kinds, to run under valgrind."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import decimal
import threading

from ops_service.heap.census import take_census
from ops_service.heap.engine import engine_status
from ops_service.heap.model import CaptureOptions
from ops_service.heap.snapshot import start_capture


@dataclasses.dataclass(slots=True)
class Slotted:
    text: str
    number: decimal.Decimal


class Plain:
    def __init__(self, number: int) -> None:
        self.number = number
        self.cycle = [self]


def plant() -> list[object]:
    return [
        [Slotted(str(number), decimal.Decimal(number)) for number in range(100)],
        [Plain(number) for number in range(100)],
        collections.deque(range(1000)),
        collections.OrderedDict(a=1, b=(2, {3, 4})),
        bytearray(1000),
        asyncio.new_event_loop(),
        lambda: plant,
        (number for number in range(3)),
    ]


def main() -> None:
    status = engine_status()
    if not status.available:
        raise SystemExit(status.reason)
    kept = plant()
    done = threading.Event()
    waiting = threading.Thread(target=done.wait, args=(600,))
    waiting.start()
    census = take_census()
    with start_capture(CaptureOptions()) as capture:
        size = sum(map(len, capture))
    done.set()
    waiting.join()
    print(f"{census.object_count} counted, {capture.summary.object_count} captured, {size} bytes")
    assert kept


if __name__ == "__main__":
    main()
