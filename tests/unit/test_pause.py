"""The estimate of a clone's pause, and its budget."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops_service.errors import PauseOverBudget
from ops_service.heap import pause

GIB = 1 << 30


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No measurements at first. The old ones are restored afterwards."""
    kept = list(pause._measured)
    pause._measured.clear()
    yield
    pause.configure(pause.DEFAULT_BUDGET)
    pause._measured.clear()
    pause._measured.extend(kept)


def test_more_memory_takes_longer() -> None:
    assert 0 < pause.estimate(0, now=0) < pause.estimate(GIB, now=0) < pause.estimate(9 * GIB, 0)


def test_the_last_clones_tell_it_best() -> None:
    for number in range(5):
        pause.note(0.102, GIB, now=number)
    assert pause.estimate(GIB, now=5) == pytest.approx(0.102)
    assert pause.estimate(10 * GIB, now=5) == pytest.approx(1.002)


def test_one_slow_clone_changes_nothing() -> None:
    before = pause.estimate(GIB, now=0)
    pause.note(30.0, GIB, now=0)
    assert pause.estimate(GIB, now=1) == pytest.approx(before)
    for number in range(4):
        pause.note(0.012, GIB, now=number)
    assert pause.estimate(GIB, now=4) <= before


def test_slow_clones_are_forgotten() -> None:
    before = pause.estimate(GIB, now=0)
    for number in range(9):
        pause.note(30.0, GIB, now=number)
    assert pause.estimate(GIB, now=10) > 10
    # Without clones there are no measurements, but the estimate still recovers.
    assert pause.estimate(GIB, now=1000) == pytest.approx(before)


def test_over_the_budget_is_refused_with_the_figures() -> None:
    pause.configure(0.5)
    pause.admit(GIB)
    with pytest.raises(PauseOverBudget) as caught:
        pause.admit(100 * GIB)
    assert "102400 MiB resident" in str(caught.value)
    assert "budget of 0.5 s" in str(caught.value)
    assert "pause_budget_seconds in [heap]" in str(caught.value)
    assert float(caught.value.details["estimated_seconds"]) > 0.5
    assert caught.value.details["budget_seconds"] == "0.5"
