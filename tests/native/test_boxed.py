"""The elements of NumPy's arrays of objects, which the collector does not know."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .decode import ELEMENT, INTERNAL, SLOT, Graph, decode
from .host import Host


def elements(graph: Graph, holder: int, name: str) -> list[int]:
    array = graph.follow(holder, SLOT, name)
    if name == "view":
        assert graph.targets(array, ELEMENT) == []
        array = graph.follow(array, INTERNAL, "base")
    return graph.targets(array, ELEMENT)


def test_elements_of_every_layout_are_seen(new_host: Callable[..., Host]) -> None:
    pytest.importorskip("numpy")
    host = new_host()
    found = host.call("boxed", "capture_boxed")
    graph = decode(found["messages"])
    holder = graph.only("native.programs.boxed.Holder")
    boxed = set(graph.of_type("native.programs.boxed.Boxed"))
    seen = {name: elements(graph, holder, name) for name in found["counts"]}
    assert {name: len(each) for name, each in seen.items()} == found["counts"]
    assert boxed == {target for each in seen.values() for target in each}
    assert found["counted"] == len(boxed) == sum(found["counts"].values())
    # All arrays share it.
    dtypes = {graph.follow(graph.follow(holder, SLOT, name), INTERNAL, "dtype") for name in seen}
    assert len(dtypes) == 1

    found = host.call("boxed", "capture_in_order")
    graph = decode(found["messages"])
    holder = graph.only("native.programs.boxed.Holder")
    wanted = graph.targets(graph.only("Order"), ELEMENT)
    for name, order in zip(found["names"], wanted, strict=True):
        assert elements(graph, holder, name) == graph.targets(order, ELEMENT)
