"""Runs in the host: captures of objects with and without traced allocations."""

from __future__ import annotations

import tracemalloc
from collections import Counter

from ops_service.heap.snapshot import start_capture
from ops_service.v1 import heap_graph_pb2 as pb
from ops_service.varint import undelimited

from .patient import PATIENT

Place = tuple[str, int] | None


class Planted:
    """The type that the test looks for."""


def sites_of_planted(count: int, traced: bool) -> tuple[str, Place, dict[Place, int], list[str]]:
    """The status of sites in a capture, the place of the first object by tracemalloc, how many
    objects the capture has by place, and its warnings."""
    if traced:
        tracemalloc.start()
    try:
        planted = [Planted() for _ in range(count)]
        with start_capture(PATIENT) as capture:
            messages = list(map(undelimited, capture))
        known = tracemalloc.get_object_traceback(planted[0])
    finally:
        tracemalloc.stop()
    sites: list[Place] = [None]
    types: list[str] = []
    found: Counter[Place] = Counter()
    for message in messages:
        batch = pb.CaptureHeapSnapshotResponse.FromString(message).batch
        sites += [(site.file_name, site.line) for site in batch.allocation_sites]
        types += [each.qualified_name for each in batch.types]
        numbers = batch.site_indexes or [0] * len(batch.type_indexes)
        for index, number in zip(batch.type_indexes, numbers, strict=True):
            if types[index] == "Planted":
                found[sites[number]] += 1
    place = (known[-1].filename, known[-1].lineno) if known else None
    return capture.start.sites.name, place, dict(found), list(capture.summary.warnings)
