"""Series of a watch: which nodes are kept, and which are dropped."""

from __future__ import annotations

import pytest

from ops_service.heap.paths import Change
from ops_service.leaks import series as module
from ops_service.leaks.series import COUNT, LENGTH, SIZE, NodeSeries


def changed(node: int, count: int, before: int) -> Change:
    return Change(node, count, 10 * count, 0, before, 10 * before, 0)


def filled() -> NodeSeries:
    """Five samples: one node changes at each, one at two of them, one begins late."""
    history = NodeSeries()
    history.add(0.0, {})
    history.add(1.0, {1: changed(1, 5, 4), 2: changed(2, 9, 0)})
    history.add(2.0, {1: changed(1, 6, 5)})
    history.add(3.0, {1: changed(1, 3, 6), 3: changed(3, 1, 0)})
    history.add(4.0, {1: changed(1, 7, 3), 2: changed(2, 8, 9)})
    return history


def test_series() -> None:
    history = filled()
    assert history.values(1, COUNT) == [4, 5, 6, 3, 7]
    assert history.values(2, SIZE) == [0, 90, 90, 90, 80]
    assert history.values(3, COUNT) == [0, 0, 0, 1, 1]
    assert history.values(3, LENGTH) == [0] * 5


def test_sums_of_several() -> None:
    history = filled()
    assert history.summed([1, 2, 3], COUNT) == [4, 14, 15, 13, 16]
    assert history.summed([2], SIZE) == history.values(2, SIZE)
    assert history.summed([], COUNT) == [0] * 5


def test_nodes_by_what_they_did() -> None:
    history = filled()
    assert history.changed_at_least(4) == [1]
    assert history.changed_at_least(2) == [1, 2]
    assert history.new() == [2, 3]
    assert list(history.changed_at(2)) == [0, 1, 4]


def test_what_changed_least_often_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_NODES", 100)
    history = NodeSeries()
    history.add(0.0, {})
    for number in range(1, 6):
        history.add(float(number), {1: changed(1, number, number - 1)})
    # An import, larger than the leak.
    history.add(6.0, {node: changed(node, 1000, 0) for node in range(2, 200)})
    assert 1 in history
    assert len(list(history.nodes())) <= 100
    assert history.dropped >= 99
    assert history.values(1, COUNT) == [0, 1, 2, 3, 4, 5, 5]
