"""The state that a peer can make the service remember is bounded."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from growth_samples import Heap

from ops_service.errors import AuditUnavailable, InvalidRequest
from ops_service.gate.audit import Audit
from ops_service.gate.rates import MOST_CALLERS, Rates
from ops_service.leaks.baselines import MAX_BASELINES
from ops_service.watch.sampling import GrowthSampling


class HangingDisk:
    """A sink whose disk does not respond until the test releases it."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.written: list[dict[str, Any]] = []

    def write(self, record: dict[str, Any], *, durable: bool) -> str:
        self.goes_on.wait()
        self.written.append(record)
        return "head"

    def close(self) -> None:
        pass


def test_records_that_wait_for_a_disk_are_bounded_in_bytes() -> None:
    disk = HangingDisk()
    audit = Audit(disk)
    for _ in range(200):
        audit.end({"request": {"source": "x" * (1 << 20)}})
    with pytest.raises(AuditUnavailable):
        asyncio.run(audit.begin({"request": {"source": "x" * (1 << 20)}}, durable=True))
    disk.goes_on.set()
    # There is room again once the records are written.
    while not disk.written:
        pass
    audit.close(60)
    assert 10 <= len(disk.written) <= 17


def test_a_record_larger_than_the_room_is_written() -> None:
    disk = HangingDisk()
    disk.goes_on.set()
    audit = Audit(disk)
    assert asyncio.run(audit.begin({"source": "x" * (32 << 20)}, durable=True)) == "head"
    audit.close(60)
    assert len(disk.written) == 1


def test_rates_forget_whom_they_saw_least_recently() -> None:
    rates = Rates(0.001)
    assert rates.take("patient") is None
    assert rates.take("patient") is not None
    for number in range(2 * MOST_CALLERS):
        rates.take(f"caller {number}" * 1000)
        rates.take("impatient")
    assert len(rates._buckets) == MOST_CALLERS
    assert all(len(name) <= 256 for name in rates._buckets)
    # This caller is not forgotten, because it never stopped calling.
    assert rates.take("impatient") is not None


def test_baselines_make_room_for_new_ones() -> None:
    growth = GrowthSampling()
    kept = [growth.keep_baseline(Heap().sample(1.0)) for _ in range(MAX_BASELINES + 1)]
    for each in kept[1:]:
        growth.check_baseline(each)
    with pytest.raises(InvalidRequest, match="keeps the latest"):
        growth.check_baseline(kept[0])
