"""Runs in the host: plants heaps, walks them with the reference, captures them."""

from __future__ import annotations

import gc
import marshal
from collections.abc import Iterable
from dataclasses import asdict, replace

from ops_service.heap.engine import engine_status
from ops_service.heap.model import Contents
from ops_service.heap.own import own_objects
from ops_service.heap.snapshot import start_capture
from ops_service.varint import undelimited

from . import planted, recipes, reference
from .patient import PATIENT

# A collection between the reference walk and the capture would untrack tuples.
gc.disable()


class Order(list[object]):
    """The planted objects in the order of the reference's rows.

    The test finds the only instance in the snapshot. Its n-th element is the object of
    the n-th row. So objects are matched without their ids, which are then checked
    separately.
    """


KEPT: list[object] = []
WORLD: dict[int, object] = {}


def world() -> dict[int, object]:
    """The objects that existed before anything was planted."""
    if not WORLD:
        WORLD.update(reference.world())
    return WORLD


def status() -> tuple[bool, str, str]:
    found = engine_status()
    return found.available, found.reason, found.compiled_for


def snapshot(contents: Contents | None = None) -> tuple[list[bytes], dict[str, object]]:
    with start_capture(replace(PATIENT, contents=contents or Contents())) as capture:
        messages = list(map(undelimited, capture))
    return messages, asdict(capture.summary)


def capture_planted(collect: bool) -> dict[str, object]:
    world()
    heaps = {name: build() for name, build in planted.HEAPS.items()}
    return capture_heaps(heaps, collect)


def capture_recipe(recipe: list[recipes.Node], collect: bool) -> dict[str, object]:
    world()
    return capture_heaps({"recipe": recipes.build(recipe)}, collect)


def capture_heaps(heaps: dict[str, object], collect: bool) -> dict[str, object]:
    """Rows of every heap, and a snapshot of the same moment."""
    if collect:
        gc.collect()
    places: dict[int, int] = {}
    order = Order()
    members: dict[str, list[int]] = {}
    for name, heap in heaps.items():
        closure = reference.reachable([heap], WORLD)
        for thing in closure:
            if id(thing) not in places:
                places[id(thing)] = len(order)
                order.append(thing)
        members[name] = [places[id(thing)] for thing in closure]
    return captured(order, WORLD) | {"members": members}


def capture_world() -> dict[str, object]:
    """Rows of every object of the process, and a snapshot."""
    # Code that runs for the first time fills caches, including those of abstract classes.
    own = set(map(id, own_objects()))
    captured(Order(), {})
    reference.rows_of(reference.reachable(gc.get_objects(), {}), {})
    things = reference.reachable(gc.get_objects(), {})
    # References to the service's own objects come last in a snapshot.
    things.sort(key=lambda thing: id(thing) in own)
    return captured(Order(things), {})


def captured(order: Order, known: dict[int, object]) -> dict[str, object]:
    KEPT.append(order)
    # Rows would add many objects, so they are packed before the snapshot.
    before = marshal.dumps(reference.rows_of(order, known))
    with start_capture(PATIENT) as running:
        messages = list(map(undelimited, running))
        # Meanwhile the service itself has changed its data on captures.
        after = marshal.dumps(reference.rows_of(order, known))
    KEPT.remove(order)
    rows, again = marshal.loads(before), marshal.loads(after)
    return {
        "rows": rows,
        "order": id(order),
        "changed": [number for number, row in enumerate(again) if row != rows[number]],
        "messages": messages,
        "summary": asdict(running.summary),
    }


def same_ids(count: int) -> dict[str, object]:
    """Several snapshots of the same objects."""
    order = Order([object() for _ in range(1000)])
    KEPT.append(order)
    captures = [snapshot()[0] for _ in range(count)]
    KEPT.remove(order)
    return {"addresses": list(map(id, order)), "captures": captures}


def declared_reach(recipe: list[recipes.Node]) -> list[tuple[int, list[int]]]:
    """For each node of a recipe, the nodes that it leads to by the reference, directly or
    through objects that are not nodes themselves."""
    known = world()
    nodes = recipes.build(recipe).nodes
    numbers = {id(node): number for number, node in enumerate(nodes)}
    result = []
    for number, node in enumerate(nodes):
        stops = known | {key: None for key in numbers if key != id(node)}
        reached = reference.reachable([node], stops)
        found = {numbers[id(thing)] for thing in reached[1:] if id(thing) in numbers}
        if any(node is other for thing in walked(reached, stops) for other in thing):
            found.add(number)
        result.append((number, sorted(found)))
    return result


def walked(reached: Iterable[object], stops: dict[int, object]) -> list[list[object]]:
    return [reference.references(thing) for thing in reached if id(thing) not in stops]
