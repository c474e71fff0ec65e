"""What a background watch saw."""

from __future__ import annotations

from dataclasses import dataclass

from ops_service.v1 import growth_history_pb2, growth_pb2


@dataclass(frozen=True, slots=True)
class GrowthHistory:
    """The history of one process's background watch."""

    header: growth_history_pb2.GrowthHistoryHeader
    records: tuple[growth_history_pb2.GrowthRecord, ...]
    """Reports and events by time. Only the latest report, and the latest with suspects,
    are complete; the others have figures and a verdict."""
    warnings: tuple[str, ...]

    @property
    def reports(self) -> tuple[growth_pb2.HeapGrowthReport, ...]:
        """The reports of all samples that were kept, by time."""
        return tuple(each.report for each in self.records if each.HasField("report"))

    @property
    def events(self) -> tuple[growth_history_pb2.GrowthRecord, ...]:
        """Rules that fired."""
        return tuple(each for each in self.records if each.HasField("event"))

    @property
    def latest(self) -> growth_pb2.HeapGrowthReport | None:
        """The latest report, with types and suspects; None before the first sample."""
        reports = self.reports
        return reports[-1] if reports else None

    @property
    def suspected(self) -> growth_pb2.HeapGrowthReport | None:
        """The latest report that has suspects; None if there is none.

        A process close to its limit gets few samples, so its last reports may lack what
        earlier ones have.
        """
        return next((each for each in reversed(self.reports) if each.suspects), None)
