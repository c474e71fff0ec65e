"""Growth samples made by hand: a heap as paths and their counts."""

from __future__ import annotations

from ops_service.heap.growth_sample import CollectorFigures, GrowthSample, MemoryFigures
from ops_service.heap.model import WalkMode
from ops_service.heap.paths import Change, EdgeKind, PathNames, PathNode, PathSample, Root

MIB = 1 << 20
ATTRIBUTE, VALUE, ELEMENT = EdgeKind.ATTRIBUTE, EdgeKind.VALUE, EdgeKind.ELEMENT
Sums = tuple[int, int, int]

STEPS = 24

# A machine without time: a sample each second, then one after eleven seconds. The
# process had to wait too.
LATE = [0.0, 1.0, 2.0, 3.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0]
WORK = [0.0, 0.9, 1.8, 2.7, 3.2, 4.1, 5.0, 5.9, 6.8, 7.7]


class Heap:
    """Nodes of a table of paths, and their sums."""

    def __init__(self) -> None:
        self.names = PathNames()
        self.sums: dict[int, Sums] = {}
        self._told: dict[int, Sums] = {}
        self._numbers: dict[tuple[int, int, str, str], int] = {}

    def node(
        self, type_name: str, name: str = "", parent: int = Root.MODULES, kind: int = ATTRIBUTE
    ) -> int:
        key = (parent, kind, name, type_name)
        if key not in self._numbers:
            number = self._numbers[key] = 16 + len(self._numbers)
            self.names.add(number, PathNode(parent, kind, name, type_name))
            self.sums[number] = (0, 0, 0)
        return self._numbers[key]

    def set(self, node: int, count: int, size: int | None = None, length: int = 0) -> None:
        self.sums[node] = (count, 64 * count if size is None else size, length)

    def sample(
        self,
        time: float,
        *,
        resident: int = 100 * MIB,
        malloc: int | None = None,
        collects: bool = True,
        mode: WalkMode = WalkMode.FORKED,
    ) -> GrowthSample:
        changes = [
            Change(node, *sums, *self._told.get(node, (0, 0, 0)))
            for node, sums in self.sums.items()
            if sums != self._told.get(node, (0, 0, 0))
        ]
        if not self._told:
            changes = []
        self._told = dict(self.sums)
        total = sum(size for _, size, _ in self.sums.values())
        return GrowthSample(
            time=time,
            mode=mode,
            pause=0.01,
            names=self.names,
            paths=PathSample(
                changes=tuple(changes),
                object_count=sum(count for count, _, _ in self.sums.values()),
                total_size=total,
                large_size=0,
                own_count=0,
                own_size=0,
                own_large_size=0,
                past_bound=0,
                waiting=0,
                node_count=len(self.sums),
            ),
            memory=MemoryFigures(resident, resident, 0, 0, malloc, None),
            collector=CollectorFigures(collects, 0, 0),
        )
