"""A watch: censuses go in one by one, a growth report comes out after each."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ops_service.heap.model import Census, WalkMode
from ops_service.leaks.trend import theil_sen_slope

# A longer watch keeps the first sample and thins out the rest, so that neither
# its memory nor the time for a report grows with its length.
_MAX_KEPT = 32

_SECONDS_A_MINUTE = 60.0


class Verdict(enum.Enum):
    """What a watch concludes."""

    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class TypeGrowth:
    """One type that grew. Sizes in bytes, differences to the first sample."""

    type_name: str
    count: int
    total_size: int
    count_difference: int
    size_difference: int
    count_per_minute: float
    size_per_minute: float


@dataclass(frozen=True, slots=True)
class GrowthReport:
    """What has been seen so far."""

    sample_count: int
    verdict: Verdict
    reason: str
    """Why, in one sentence."""
    types: tuple[TypeGrowth, ...]
    """Types that grew, fastest first."""
    latest: Census


@dataclass(frozen=True, slots=True)
class _Sample:
    time: float
    types: dict[str, tuple[int, int]]
    """Count and size by type name."""


class HeapGrowthWatch:
    """The samples of one watch."""

    def __init__(self, limit: int) -> None:
        """
        Args:
            limit: How many types a report names.
        """
        self._limit = limit
        self._kept: list[_Sample] = []
        self._sample_count = 0
        self._growing = 0
        self._first_time = 0.0
        self._last_time = 0.0
        self._mode: WalkMode | None = None

    @property
    def sample_count(self) -> int:
        """Samples so far."""
        return self._sample_count

    def add(self, census: Census) -> GrowthReport:
        """Take a census as the next sample and report. Cost: see `theil_sen_slope`."""
        sample = _Sample(census.capture_time, _by_name(census))
        if self._mode is not census.mode:
            # Counts by different methods cannot be compared: begin anew.
            self._kept.clear()
            self._mode = census.mode
        self._kept.append(sample)
        if len(self._kept) > _MAX_KEPT:
            # Every other one goes; the first and the latest stay.
            self._kept = [*self._kept[:-1:2], self._kept[-1]]
        self._sample_count += 1
        self._first_time = self._kept[0].time
        self._last_time = sample.time
        types = self._growth(sample)
        verdict, reason = self.conclude()
        return GrowthReport(self._sample_count, verdict, reason, types, census)

    def conclude(self) -> tuple[Verdict, str]:
        """The verdict on what has been seen so far, and why, in one sentence."""
        if self._sample_count < 2:
            return Verdict.INCONCLUSIVE, "One sample shows no growth; it takes at least two."
        seconds = self._last_time - self._first_time
        if not self._growing:
            return (
                Verdict.INCONCLUSIVE,
                f"No type grew over {seconds:.1f} s, which is no proof that none leaks slowly.",
            )
        return (
            Verdict.INCONCLUSIVE,
            f"Types that grew over {seconds:.1f} s: {self._growing}. Counts alone do not tell a "
            "leak from a warm-up or from a cache that fills.",
        )

    def _growth(self, latest: _Sample) -> tuple[TypeGrowth, ...]:
        first = self._kept[0]
        grown: list[tuple[int, int, str]] = []
        for name, (count, size) in latest.types.items():
            first_count, first_size = first.types.get(name, (0, 0))
            if count > first_count or size > first_size:
                grown.append((size - first_size, count - first_count, name))
        self._growing = len(grown)
        # The largest differences are the fastest up to outliers; slopes for all
        # types would cost the host time at each sample.
        grown.sort(reverse=True)
        rows = [self._row(latest, name, d) for *d, name in grown[: self._limit]]
        rows.sort(key=lambda row: (row.size_per_minute, row.count_per_minute), reverse=True)
        return tuple(rows)

    def _row(self, latest: _Sample, name: str, differences: list[int]) -> TypeGrowth:
        times = [sample.time for sample in self._kept]
        pairs = [sample.types.get(name, (0, 0)) for sample in self._kept]
        count, size = latest.types[name]
        return TypeGrowth(
            type_name=name,
            count=count,
            total_size=size,
            count_difference=differences[1],
            size_difference=differences[0],
            count_per_minute=_SECONDS_A_MINUTE * theil_sen_slope(times, [c for c, _ in pairs]),
            size_per_minute=_SECONDS_A_MINUTE * theil_sen_slope(times, [s for _, s in pairs]),
        )


def _by_name(census: Census) -> dict[str, tuple[int, int]]:
    """Count and size by name. Types that share a name are added up."""
    sums: dict[str, tuple[int, int]] = {}
    for row in census.types:
        count, size = sums.get(row.type_name, (0, 0))
        sums[row.type_name] = (count + row.count, size + row.total_size)
    return sums
