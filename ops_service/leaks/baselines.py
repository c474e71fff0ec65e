"""Baselines of a process: earlier states to compare with later."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

from ops_service.errors import InvalidRequest
from ops_service.heap.growth_sample import GrowthSample
from ops_service.leaks.analysis import GrowthAnalysis
from ops_service.leaks.report import SinceBaseline

MAX_BASELINES = 16
"""Further baselines evict the oldest."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The process now, compared with a baseline."""

    points: GrowthAnalysis
    """Two points: the baseline and now."""
    grown: SinceBaseline
    """Growth between the points, and the conclusion of a running watch about it."""


class Baselines:
    """The latest baselines. Every growth sample must be added. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._baselines: OrderedDict[str, GrowthAnalysis] = OrderedDict()

    def __len__(self) -> int:
        return len(self._baselines)

    def keep(self, sample: GrowthSample) -> str:
        """Store a baseline: the state of the process at the latest sample.

        Returns:
            The id of the baseline, for a later comparison.
        """
        baseline = GrowthAnalysis(limit=1)
        baseline.append_point(sample)
        identifier = secrets.token_hex(8)
        with self._lock:
            self._baselines[identifier] = baseline
            while len(self._baselines) > MAX_BASELINES:
                self._baselines.popitem(last=False)
        return identifier

    def accumulate(self, sample: GrowthSample) -> None:
        """Add a sample to each baseline. Costs time for each change and baseline."""
        with self._lock:
            for each in self._baselines.values():
                each.accumulate(sample)

    def check(self, identifier: str) -> None:
        """Check that a baseline exists.

        Raises:
            InvalidRequest: No baseline has this id.
        """
        with self._lock:
            known = identifier in self._baselines
        if not known:
            raise InvalidRequest(
                f"There is no baseline {identifier!r} in this process. It keeps the latest "
                f"{MAX_BASELINES} baselines until it ends.",
                details={"field": "baseline_id"},
            )

    def compare(
        self, identifier: str, latest: GrowthSample | None, watch: GrowthAnalysis, limit: int
    ) -> Comparison:
        """Compare the process with a baseline.

        Args:
            latest: The latest added sample.
            watch: A watch that runs now.
            limit: Maximum number of reported suspects and types.

        Raises:
            InvalidRequest: The baseline is gone.
        """
        with self._lock:
            baseline = self._baselines.get(identifier)
            points = None if baseline is None else baseline.extended_to(latest, limit)
        if points is None or points.sample_count < 2:
            raise InvalidRequest(
                f"The baseline {identifier!r} is gone: newer ones replaced it, or the table of "
                "paths was lost. Keep another.",
                details={"field": "baseline_id"},
            )
        return Comparison(points, points.grown_since(watch))
