"""Runs in the host: makes other interpreters, and walks beside them."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import interpreters

from ops_service.heap import allocated
from ops_service.heap.census import take_census
from ops_service.heap.holder_graph import find_holders
from ops_service.heap.interpreters import count_interpreters
from ops_service.heap.lookup import find_instances, find_object
from ops_service.heap.model import CensusOptions
from ops_service.heap.path_sampler import PathSampler
from ops_service.heap.path_text import folded_path
from ops_service.heap.referrers import ReferrerOptions, find_referrers
from ops_service.heap.snapshot import start_capture
from ops_service.varint import undelimited

from . import capture
from .patient import PATIENCE, PATIENT

OPTIONS = CensusOptions(lifetime_limit=PATIENCE)
SESSIONS = """
import gc
gc.disable()
class Session:
    __module__ = "tenant"
    def __init__(self):
        self.__dict__
class Knot:
    __module__ = "tenant"
CACHE = [Session() for _ in range(300)]
knot = Knot()
knot.knot = knot
del knot
"""
# It signals that it has begun, and waits until it may go on.
WAITS = """
import os
def wait_for_tenant(tenant_local):
    os.write({told}, b"x")
    os.read({go}, 1)
wait_for_tenant(Session())
"""
CHURN = """
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
import os
os.write({told}, b"x")
while not os.get_blocking({go}) and os.write({told}, b"y"):
    interpreters.destroy(interpreters.create())
"""
BUSY = """
import os, time
os.write({told}, b"x")
class Node:
    __module__ = "busy"
go_on = True
while go_on:
    nodes = [Node() for _ in range(20_000)]
    for node in nodes:
        node.other = nodes
    del node, nodes
    # The walking child has the lowest priority, and needs some time too.
    time.sleep(0.05)
    go_on = os.get_blocking({go})
"""


def capture_with(*codes: str, own_gil: bool = False, max_objects: int = 0) -> dict[str, object]:
    """A snapshot beside an interpreter for each code, which it has run."""
    made = [interpreters.create(own_gil=own_gil) for _ in codes]
    try:
        for identifier, code in zip(made, codes, strict=True):
            interpreters.run(identifier, code)
        with start_capture(replace(PATIENT, max_objects=max_objects)) as running:
            messages = list(map(undelimited, running))
        summary = asdict(running.summary)
    finally:
        for identifier in made:
            interpreters.destroy(identifier)
    return {"messages": messages, "summary": summary, "ids": made}


def capture_tenants() -> dict[str, object]:
    return capture_with(SESSIONS, SESSIONS)


def capture_own_gil() -> dict[str, object]:
    return capture_with(SESSIONS, own_gil=True)


def capture_blocked_thread() -> dict[str, object]:
    """A snapshot while a thread runs a function in another interpreter."""
    with _tenant() as tenant, _runs_in(tenant, WAITS):
        messages, summary = capture.snapshot()
    return {"messages": messages, "summary": summary, "ids": [tenant]}


@contextmanager
def _tenant() -> Iterator[int]:
    identifier = interpreters.create()
    try:
        interpreters.run(identifier, SESSIONS)
        yield identifier
    finally:
        interpreters.destroy(identifier)


@contextmanager
def _runs_in(identifier: int, code: str) -> Iterator[None]:
    """Run code in an interpreter in a thread, until the block ends."""
    told, tell = os.pipe()
    wait, go = os.pipe()
    filled = code.format(told=tell, go=wait)
    thread = threading.Thread(target=interpreters.run, args=(identifier, filled))
    thread.start()
    try:
        assert os.read(told, 1) == b"x"
        yield
    finally:
        os.set_blocking(wait, False)
        os.write(go, b"x")
        drain = threading.Thread(target=_drain, args=(told,))
        drain.start()
        thread.join()
        os.close(tell)
        drain.join()
        for end in (told, wait, go):
            os.close(end)


def _drain(end: int) -> None:
    while os.read(end, 65536):
        pass


def census() -> dict[str, object]:
    """Counts of a type beside interpreters with the shared GIL and with one of its own."""
    with _tenant():
        shared = take_census(options=OPTIONS)
    result: dict[str, object] = {
        "shared": _count(shared, "tenant.Session"),
        "warnings": shared.warnings,
    }
    if interpreters.OWN_GILS:
        own = interpreters.create(own_gil=True)
        interpreters.run(own, SESSIONS)
        counted = take_census(options=OPTIONS)
        interpreters.destroy(own)
        result |= {"own": _count(counted, "tenant.Session"), "own_warnings": counted.warnings}
    return result


def _count(counted: Any, name: str) -> int:
    return sum(row.count for row in counted.all_types() if row.type_name == name)


def grown_paths() -> dict[str, object]:
    """Paths whose objects another interpreter made between two samples."""
    sampler = PathSampler(OPTIONS)
    with _tenant() as tenant:
        first = sampler.take()
        interpreters.run(tenant, "CACHE += [Session() for _ in range(100)]")
        second = sampler.take()
        others = (second.others.exist, second.others.unread)
    return {
        "grown": {
            folded_path(second.names, change.node): change.count - change.count_before
            for change in second.paths.changes
            if change.count - change.count_before >= 100
        },
        "counted": second.paths.object_count - first.paths.object_count,
        "others": others,
        "warnings": second.warnings,
        "alone": (sampler.take().others.exist, sampler.take().others.unread),
    }


def unread_sample() -> tuple[bool, bool]:
    own = interpreters.create(own_gil=True)
    sample = PathSampler(OPTIONS).take()
    interpreters.destroy(own)
    return sample.others.exist, sample.others.unread


def holders() -> dict[str, object]:
    """What holds the sessions of another interpreter, and whether this one gets hold of them."""
    options = ReferrerOptions(time_limit=PATIENCE, lifetime_limit=PATIENCE)
    with _tenant() as tenant:
        found = find_referrers("tenant.Session", options)
        held = find_holders(found, breadth=3, folded=True)
        identifier = found.ways[0].object_id
        looked_up = find_object(identifier, "tenant.Session")
        types, _ = find_instances(type, 30.0)
    return {
        "id": tenant,
        "paths": [(path.text, path.count) for path in held.paths],
        "first": held.nodes[0].step.what.name,
        "count": found.object_count,
        "looked_up": looked_up if isinstance(looked_up, str) else "an object",
        "instances": [each.__qualname__ for each in types if each.__module__ == "tenant"],
    }


def counts() -> list[tuple[int, int, int] | None]:
    """The number of interpreters as they come and go."""
    seen = [_counted()]
    made = [interpreters.create() for _ in range(50)]
    seen.append(_counted())
    if interpreters.OWN_GILS:
        made += [interpreters.create(own_gil=True) for _ in range(3)]
    seen.append(_counted())
    for identifier in made:
        interpreters.destroy(identifier)
    return [*seen, _counted()]


def _counted() -> tuple[int, int, int] | None:
    found = count_interpreters()
    return None if found is None else (found.caller_id, found.count, found.other_gil_count)


def capture_many() -> dict[str, object]:
    return capture_with(*["here = object()"] * 50, max_objects=20_000)


def capture_in_churn(count: int) -> list[tuple[int, tuple[str, ...]]]:
    """Captures while an interpreter with its own GIL makes and ends others, and one with the
    shared GIL does so in a thread."""
    made = [interpreters.create(own_gil=interpreters.OWN_GILS), interpreters.create()]
    gc.enable()
    results = []
    with _runs_in(made[0], CHURN), _runs_in(made[1], CHURN):
        for _ in range(count):
            _, summary = capture.snapshot()
            results.append((summary["object_count"], summary["warnings"]))
            _counted()
    gc.disable()
    for identifier in made:
        interpreters.destroy(identifier)
    return results


def beside_a_busy_one(count: int) -> tuple[int, int | None, list[str]]:
    """Captures beside an interpreter with its own GIL that allocates and frees all the time."""
    own = interpreters.create(own_gil=True)
    names: set[str] = set()
    with _runs_in(own, BUSY):
        blocks = allocated.allocated_blocks()
        counted = take_census(options=OPTIONS)
        names.update(row.type_name for row in counted.types if "busy" in row.type_name)
        for _ in range(count):
            capture.snapshot()
    interpreters.destroy(own)
    return count, blocks, sorted(names)


INSIDE = """
import sys, marshal
sys.path[:] = {path!r}
from native.programs import capture
from ops_service.heap.interpreters import count_interpreters
class Inner:
    __module__ = "tenant"
kept = Inner()
found = count_interpreters()
status = capture.status()
reply = None
if status[0]:
    reply = capture.snapshot(), (found.caller_id, found.count, found.other_gil_count)
with open({name!r}, "wb") as file:
    marshal.dump((status, reply), file)
"""


class Outer:
    """An object of the main interpreter."""


def capture_from_inside(name: str) -> int:
    """A snapshot that another interpreter takes, into a file: the main one is another."""
    kept = Outer()
    inner = interpreters.create()
    interpreters.run(inner, INSIDE.format(path=sys.path, name=name))
    interpreters.destroy(inner)
    del kept
    return inner
