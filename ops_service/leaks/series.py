"""The series of one watch: for each node that changed, its values over time."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from ops_service.heap.paths import Change

MAX_SAMPLES = 200
"""Bound on samples. Beyond it half are dropped evenly; the first and the latest stay."""
MAX_POINTS = 1_000_000
"""Bound on the points over all nodes, 32 bytes each."""
MAX_NODES = 100_000
"""Bound on the nodes that have a series, about 200 bytes each besides the points."""

COUNT, SIZE, LENGTH = 1, 2, 3
_WIDTH = 4
# Length of a series that changed often enough to judge its shape.
_OFTEN = 5 * _WIDTH


class NodeSeries:
    """Values of nodes at the samples of one watch.

    A series holds a point only if the node changed, so an unchanged node costs nothing.
    `MAX_POINTS` and `MAX_NODES` bound the memory.
    """

    def __init__(self) -> None:
        self.times: list[float] = []
        self._series: dict[int, array[int]] = {}
        """Number of the sample, count, size and length, for each change."""
        self._points = 0
        self.dropped = 0
        """Number of nodes that were dropped for lack of room."""

    def __len__(self) -> int:
        return len(self.times)

    def __contains__(self, node: int) -> bool:
        return node in self._series

    def nodes(self) -> Iterator[int]:
        """Nodes that changed since the first sample."""
        return iter(self._series)

    def changed_at_least(self, changes: int) -> list[int]:
        """Nodes that changed at ``changes`` samples or more. Costs little for each node.

        Imports during a watch create a hundred thousand nodes that change once.
        """
        least = (changes + 1) * _WIDTH
        return [node for node, series in self._series.items() if len(series) >= least]

    def new(self) -> list[int]:
        """Nodes that had no objects at the first sample."""
        return [node for node, series in self._series.items() if not series[COUNT]]

    def changed_at(self, node: int) -> array[int]:
        """Numbers of the samples at which a node changed, preceded by the first sample."""
        return self._series[node][::_WIDTH]

    def clear(self) -> None:
        """Drop all samples."""
        self.times.clear()
        self._series.clear()
        self._points = 0

    def add(self, time: float, changes: dict[int, Change]) -> None:
        """Add a sample. The changes of the first sample are ignored.

        Call `thin` first if there are `MAX_SAMPLES` samples.
        """
        number = len(self.times)
        self.times.append(time)
        if number == 0:
            return
        for change in changes.values():
            series = self._series.get(change.node)
            if series is None:
                series = self._series[change.node] = array(
                    "Q", (0, change.count_before, change.size_before, change.length_before)
                )
                self._points += 1
            series.extend((number, change.count, change.size, change.length))
            self._points += 1
        while self._points > MAX_POINTS or len(self._series) > MAX_NODES:
            self._make_room()

    def first(self, node: int, column: int) -> int:
        """Value at the first sample."""
        return self._series[node][column]

    def latest(self, node: int, column: int) -> int:
        """Value at the latest sample."""
        return self._series[node][column - _WIDTH]

    def values(self, node: int, column: int) -> list[int]:
        """Value at each sample."""
        series = self._series[node]
        found: list[int] = []
        for at in range(0, len(series), _WIDTH):
            following = series[at + _WIDTH] if at + _WIDTH < len(series) else len(self.times)
            found += [series[at + column]] * (following - series[at])
        return found

    def summed(self, nodes: Iterable[int], column: int) -> list[int]:
        """Sum over the nodes at each sample. Costs time for each change of the nodes."""
        rises = [0] * len(self.times)
        for node in nodes:
            series = self._series[node]
            before = 0
            for at in range(0, len(series), _WIDTH):
                value = series[at + column]
                rises[series[at]] += value - before
                before = value
        return list(accumulate(rises))

    def thin(self) -> list[int]:
        """Make room for further samples: keep half of them, evenly spread over the time.

        Returns:
            Numbers of the samples that stay, including the first and the latest.
        """
        last = len(self.times) - 1
        begin, span = self.times[0], self.times[-1] - self.times[0]
        kept = [0]
        for number in range(1, last):
            # Keep the first sample of each part of the time.
            part = (self.times[number] - begin) * (MAX_SAMPLES // 2) // (span or 1)
            if part > (self.times[kept[-1]] - begin) * (MAX_SAMPLES // 2) // (span or 1):
                kept.append(number)
        kept.append(last)
        self.times = [self.times[number] for number in kept]
        for node, series in self._series.items():
            thinner = array("Q")
            for at in range(0, len(series), _WIDTH):
                # A change at a dropped sample moves to the next kept one.
                number = bisect_left(kept, series[at])
                if thinner and thinner[-_WIDTH] == number:
                    del thinner[-_WIDTH:]
                thinner.append(number)
                thinner.extend(series[at + 1 : at + _WIDTH])
            self._series[node] = thinner
        self._points = sum(map(len, self._series.values())) // _WIDTH
        return kept

    def _make_room(self) -> None:
        """Drop half of the nodes: those that changed least often and grew least."""
        grown = sorted(
            self._series,
            key=lambda node: (
                min(len(self._series[node]), _OFTEN),
                self.latest(node, SIZE) - self.first(node, SIZE),
            ),
        )
        for node in grown[: len(grown) // 2]:
            del self._series[node]
            self.dropped += 1
        self._points = sum(map(len, self._series.values())) // _WIDTH
