"""Converts growth reports to messages of the contract."""

from __future__ import annotations

from collections.abc import Sequence

from ops_service.leaks.baselines import Comparison
from ops_service.leaks.report import (
    GrowthReport,
    MemoryPart,
    OutsideGrowth,
    PerMinute,
    Survivors,
    Suspect,
    TypeGrowth,
    Verdict,
)
from ops_service.messages.basics import CENSUS_METHODS, duration, seconds_field, timestamp
from ops_service.v1 import growth_pb2

_CURVE_POINTS = 64

VERDICTS: dict[Verdict, growth_pb2.HeapGrowthVerdict] = {
    Verdict.INCONCLUSIVE: growth_pb2.HEAP_GROWTH_VERDICT_INCONCLUSIVE,
    Verdict.NO_LEAK: growth_pb2.HEAP_GROWTH_VERDICT_NO_LEAK,
    Verdict.LEAK: growth_pb2.HEAP_GROWTH_VERDICT_LEAK,
    Verdict.OUTSIDE_PYTHON: growth_pb2.HEAP_GROWTH_VERDICT_OUTSIDE_PYTHON,
}

_PARTS: dict[MemoryPart, growth_pb2.OutsidePart] = {
    MemoryPart.UNKNOWN: growth_pb2.OUTSIDE_PART_UNKNOWN,
    MemoryPart.MALLOC: growth_pb2.OUTSIDE_PART_MALLOC,
    MemoryPart.PYTHON_BLOCKS: growth_pb2.OUTSIDE_PART_PYTHON_BLOCKS,
    MemoryPart.ANONYMOUS: growth_pb2.OUTSIDE_PART_ANONYMOUS,
    MemoryPart.FILE_BACKED: growth_pb2.OUTSIDE_PART_FILE_BACKED,
    MemoryPart.SHARED: growth_pb2.OUTSIDE_PART_SHARED,
}


def watch_times(request: growth_pb2.WatchHeapGrowthRequest) -> tuple[float, float]:
    """Interval and duration of a watch, in seconds.

    Raises:
        InvalidRequest: One is out of bounds.
    """
    interval = seconds_field(
        request.interval,
        is_set=request.HasField("interval"),
        field="interval",
        default=10.0,
        low=0.1,
        high=3600.0,
    )
    total = seconds_field(
        request.duration,
        is_set=request.HasField("duration"),
        field="duration",
        default=max(60.0, 2 * interval),
        low=2 * interval,
        high=24 * 3600.0,
    )
    return interval, total


def growth_report(
    report: GrowthReport, comparison: Comparison | None = None
) -> growth_pb2.HeapGrowthReport:
    """A report of a watch, and the growth since a baseline with its suspects and holders."""
    message = growth_pb2.HeapGrowthReport(
        sample_count=report.sample_count,
        sample_time=timestamp(report.latest_time),
        verdict=VERDICTS[report.verdict],
        reason=report.reason,
        missing=report.missing,
        types=[_type_growth(row) for row in report.types],
        suspects=[_suspect(each) for each in report.suspects],
        outside=[_outside(each) for each in report.outside],
        object_count=report.object_count,
        total_size=report.total_size,
        resident_bytes=report.resident_bytes,
        clone_pause=duration(report.pause),
        method=CENSUS_METHODS[report.mode],
        warnings=report.warnings,
    )
    if comparison is not None:
        points, grown = comparison.points, comparison.grown
        message.baseline_time.CopyFrom(timestamp(points.first_time))
        message.types_since_baseline.extend(_type_growth(row) for row in points.types())
        message.suspects_since_baseline.extend(map(_suspect, grown.suspects))
        message.reason_since_baseline = grown.reason
    return message


def _rate(rate: PerMinute) -> growth_pb2.RatePerMinute:
    return growth_pb2.RatePerMinute(rate=rate.rate, low=rate.low, high=rate.high)


def _curve(values: Sequence[int]) -> Sequence[int]:
    return values[-_CURVE_POINTS:]


def _suspect(suspect: Suspect) -> growth_pb2.HeapGrowthSuspect:
    holder = suspect.holder
    return growth_pb2.HeapGrowthSuspect(
        type_name=suspect.type_name,
        also=suspect.also,
        count=suspect.count,
        total_size=suspect.size,
        count_per_minute=_rate(suspect.count_per_minute),
        size_per_minute=_rate(suspect.size_per_minute),
        counts=_curve(suspect.counts),
        sizes=_curve(suspect.sizes),
        holder=growth_pb2.HeapGrowthHolder(
            path=holder.text,
            root=holder.root,
            steps=[
                growth_pb2.HeapPathStep(name=step.name, type_name=step.type_name)
                for step in holder.steps
            ],
            type_name=holder.type_name,
            owner_type=holder.owner_type,
            lengths=_curve(holder.lengths),
        ),
        sample_path=suspect.sample_path,
        allocation_sites=suspect.allocation_sites,
        reason=suspect.reason,
        survivors=map(_survivors, suspect.survivors),
    )


def _survivors(survivors: Survivors) -> growth_pb2.HeapGrowthSurvivors:
    return growth_pb2.HeapGrowthSurvivors(age=duration(survivors.age), at_most=survivors.at_most)


def _outside(outside: OutsideGrowth) -> growth_pb2.OutsideGrowth:
    return growth_pb2.OutsideGrowth(
        part=_PARTS[outside.part],
        bytes_per_minute=_rate(outside.bytes_per_minute),
        advice=outside.advice,
    )


def _type_growth(row: TypeGrowth) -> growth_pb2.HeapTypeGrowth:
    return growth_pb2.HeapTypeGrowth(
        type_name=row.type_name,
        count=row.count,
        total_size=row.total_size,
        count_difference=row.count_difference,
        size_difference=row.size_difference,
        count_per_minute=row.count_per_minute,
        size_per_minute=row.size_per_minute,
    )
