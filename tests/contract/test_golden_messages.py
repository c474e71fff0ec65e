"""Messages made from fixed values, kept as text: the wire format does not change.

Write the file again with ``WRITE_GOLDEN=1``, and read its diff before you commit it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import Message
from google.protobuf.text_format import MessageToString
from growth_samples import ELEMENT, MIB, Heap

from ops_service.errors import WalkFailed
from ops_service.heap.model import Census, TypeCount, WalkMode
from ops_service.leaks.analysis import GrowthAnalysis
from ops_service.leaks.baselines import Baselines
from ops_service.messages.basics import duration, process_id, start_settings, timestamp
from ops_service.messages.growth import growth_report
from ops_service.messages.memory import collection_result, live_objects, memory_parts, trim_result
from ops_service.messages.values import plain_value
from ops_service.process.command import Setting
from ops_service.process.identity import ProcessIdentity
from ops_service.process.memory import Memory, Part
from ops_service.process.reclaim import Collection, Trim

GOLDEN = Path(__file__).parent / "golden/messages.txt"


def census() -> Census:
    return Census(
        capture_time=1_700_000_000.25,
        mode=WalkMode.FORKED,
        pause=0.0125,
        types=(
            TypeCount("str", 1000, 64_000, 0, False),
            TypeCount("numpy.ndarray", 3, 3 * MIB, 2 * MIB, True),
            TypeCount("shop.Order", 7, 448, 0, False),
        ),
        own_types=(TypeCount("ops_service.threads.Threads", 1, 48, 0, False),),
        object_count=1010,
        total_size=3 * MIB + 64_448,
        resident_bytes=50 * MIB,
        warnings=("One.",),
    )


def memory() -> Memory:
    known = iter(range(1, 100))
    parts = {name: Part(next(known) * MIB, "") for name in Memory.__slots__}
    parts["swapped"] = Part(None, "The system does not say.")
    return Memory(**parts)


def watched() -> Iterator[tuple[str, Message]]:
    """Reports of a watch with a baseline: one with leaks in two places and outside Python."""
    heap, baselines = Heap(), Baselines()
    kept = heap.node("dict", "REGISTRY", heap.node("module", "shop"))
    session = heap.node("shop.Session", "", kept, ELEMENT)
    cache = heap.node("list", "CACHE", heap.node("module", "shop"))
    heap.set(session, 10)
    heap.set(cache, 1, 800, 100)
    first = heap.sample(999_000.0)
    identifier = baselines.keep(first)
    watch = GrowthAnalysis(limit=10)
    for step in range(40):
        heap.set(session, 20 + 5 * step)
        heap.set(cache, 1, 800 + 8 * step, 100 + step)
        sample = heap.sample(1_000_000.0 + step, resident=100 * MIB + step * MIB)
        watch.accumulate(sample)
        baselines.accumulate(sample)
        watch.append_point(sample)
    yield "growth", growth_report(watch.report())
    comparison = baselines.compare(identifier, sample, watch, 10)
    yield "growth since a baseline", growth_report(watch.report(), comparison)


def messages() -> Iterator[tuple[str, Message]]:
    identity = ProcessIdentity(
        instance_id="00" * 16,
        pid=4711,
        start_time=1_699_999_999.5,
        service_start_time=1_700_000_000.0,
        host_name="host",
    )
    yield "duration", duration(1.000000001)
    yield "timestamp", timestamp(1_700_000_000.123456)
    yield "process", process_id(identity)
    for setting in start_settings([Setting("A", "b\udce9"), Setting("HIDDEN", None)]):
        yield "setting", setting
    yield "memory", memory_parts(memory())
    yield "live objects", live_objects(census())
    yield "no live objects", live_objects(WalkFailed("It failed."))
    yield "collection", collection_result(Collection(7, 0.25))
    for released in (True, False, None):
        yield "trim", trim_result(Trim(released, "" if released else "Because.", 0.5))
    value = {"a": [None, True, 1, 2.5, "x\udce9", (), {}], "b": {"c": [[]]}}
    yield "value", plain_value(value)
    yield from watched()


def test_messages_are_as_they_were() -> None:
    text = "\n".join(
        f"# {name}\n{MessageToString(message, as_utf8=True)}" for name, message in messages()
    )
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()
