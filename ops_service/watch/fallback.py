"""Growth samples by objgraph, for when no child can be cloned and a pause is allowed."""

from __future__ import annotations

from ops_service.heap.census import census_by_objgraph
from ops_service.heap.growth_sample import GrowthSample
from ops_service.heap.model import WalkMode
from ops_service.heap.paths import (
    FIRST_NODE,
    Change,
    EdgeKind,
    PathNames,
    PathNode,
    PathSample,
    Root,
)


class CensusSampler:
    """Counts objects by type in the process, as nodes without a path.

    It sees only objects that the garbage collector tracks, and no sizes.
    """

    def __init__(self) -> None:
        self._names = PathNames()
        self._numbers: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._first = True

    def take(self) -> GrowthSample:
        """Count now. The process pauses meanwhile."""
        census = census_by_objgraph()
        counts = {
            row.type_name: row.count
            for row in census.types
            if not row.type_name.startswith("ops_service.")
        }
        changes = []
        for name in {**self._counts, **counts}:
            count, before = counts.get(name, 0), self._counts.get(name, 0)
            if count != before and not self._first:
                changes.append(Change(self._number(name), count, 0, 0, before, 0, 0))
        self._counts, self._first = counts, False
        return GrowthSample(
            time=census.capture_time,
            mode=WalkMode.OBJGRAPH,
            pause=census.pause,
            names=self._names,
            paths=PathSample(
                changes=tuple(changes),
                object_count=census.object_count,
                total_size=0,
                large_size=0,
                own_count=0,
                own_size=0,
                own_large_size=0,
                past_bound=0,
                waiting=0,
                node_count=len(counts),
            ),
            warnings=census.warnings,
        )

    def _number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = FIRST_NODE + len(self._numbers)
            self._names.add(number, PathNode(Root.OTHER, EdgeKind.ROOT, "", name))
        return number
