"""Allocation sites, read from the tables of tracemalloc in the child."""

from __future__ import annotations

import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator

import pytest

from ops_service.heap.model import Sites
from ops_service.heap.snapshot import start_capture
from ops_service.v1 import heap_graph_pb2 as pb
from ops_service.varint import undelimited

from .patient import PATIENT


class Planted:
    """What the test looks for."""


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def sites_of_planted() -> tuple[Sites, Counter[tuple[str, int] | None], tuple[str, ...]]:
    with start_capture(PATIENT) as capture:
        messages = list(map(undelimited, capture))
    sites: list[tuple[str, int] | None] = [None]
    types: list[str] = []
    found: Counter[tuple[str, int] | None] = Counter()
    for message in messages:
        batch = pb.CaptureHeapSnapshotResponse.FromString(message).batch
        sites += [(site.file_name, site.line) for site in batch.allocation_sites]
        types += [each.qualified_name for each in batch.types]
        numbers = batch.site_indexes or [0] * len(batch.type_indexes)
        for index, number in zip(batch.type_indexes, numbers, strict=True):
            if types[index] == "Planted":
                found[sites[number]] += 1
    return capture.start.sites, found, capture.summary.warnings


@pytest.mark.usefixtures("traced")
def test_each_object_carries_the_line_that_allocated_it() -> None:
    planted = [Planted() for _ in range(100)]
    state, found, warnings = sites_of_planted()
    if sys.version_info < (3, 12):
        assert (state, found) == (Sites.OUT_OF_REACH, {None: 100})
    else:
        expected = tracemalloc.get_object_traceback(planted[0])
        assert expected is not None
        assert (state, found) == (
            Sites.INCLUDED,
            {(expected[-1].filename, expected[-1].lineno): 100},
        )
    assert warnings == ()


def test_a_process_without_tracemalloc_has_no_sites() -> None:
    planted = [Planted() for _ in range(10)]
    state, found, _ = sites_of_planted()
    assert (state, found) == (Sites.NOT_TRACED, {None: len(planted)})
