"""What a process has more of than when a baseline was kept."""

from __future__ import annotations

from collections.abc import Sequence

from ops_service.heap.paths import PathNames
from ops_service.leaks.history import History
from ops_service.leaks.suspects import SuspectFinder
from ops_service.leaks.trend import Shape

# Of what there was, a smaller growth is none.
_MIN_SHARE = 0.01


class GrownSince(SuspectFinder):
    """Finds what grew between two points and did not come back meanwhile.

    Two points make no trend: a cache that filled in between is named as well. So no
    verdict rests on this.
    """

    def __init__(
        self, history: History, names: PathNames, recent: History, *, collector_runs: bool
    ) -> None:
        """
        Args:
            history: Of two points, the baseline and now.
            recent: Of a watch that runs now; its least values are what stays.
        """
        super().__init__(history, names, collector_runs=collector_runs)
        self._recent = recent

    def _shape(self, node: int, column: int, least: float = 0.0) -> Shape:
        values = self._values(node, column)
        stays = min(values[-1], *self._recent_values(node, column))
        grown = stays - values[0]
        if grown > max(least, _MIN_SHARE * values[0]):
            return Shape.GROWS
        return Shape.OTHER

    def _recent_values(self, node: int, column: int) -> Sequence[int]:
        members = [each for each in self._members.get(node, [node]) if each in self._recent]
        if not members or node in self._members:
            # What did not change lately is as it is now; new names come and go together.
            return [self._values(node, column)[-1]]
        return self._recent.values(node, column)
