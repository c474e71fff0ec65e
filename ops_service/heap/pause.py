"""Estimates how long the next clone stops the process, and refuses long pauses.

A clone copies the page tables, so it takes longer with more resident memory. The time
depends on the machine and on huge pages. So the last clones of this process are the best
estimate.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from statistics import median

from ops_service.errors import PauseOverBudget

DEFAULT_BUDGET = 1.0
"""Seconds."""

_GIB = 1 << 30
_FIXED_SECONDS = 0.002
"""Seconds that a clone takes for any size of process."""
_ASSUMED_RATE = 0.03
"""Assumed seconds per GiB without measurements. 4 KiB pages took 16 to 31 ms a GiB on two
machines, and huge pages a tenth."""
_ASSUMED_WEIGHT = 2
"""The assumption counts as this many measured clones, since a single slow clone proves
nothing."""
_KEPT = 9
_FORGOTTEN_SECONDS = 600.0
"""A measurement expires after this time. So a bad time of the machine refuses captures for
ten minutes at most."""

_lock = threading.Lock()
_budget = DEFAULT_BUDGET
_measured: deque[tuple[float, float]] = deque(maxlen=_KEPT)
"""Time, and seconds per GiB, of the last clones."""


def configure(budget: float) -> None:
    """Set the seconds for which a clone may stop the process."""
    global _budget
    _budget = budget


def within_budget(seconds: float) -> float:
    """The given seconds, or the budget if that is less."""
    return min(seconds, _budget)


def note(pause: float, resident: int, now: float | None = None) -> None:
    """Record the pause of a clone, in seconds, and the resident bytes of the process."""
    rate = max(pause - _FIXED_SECONDS, 0.0) * _GIB / max(resident, 1)
    with _lock:
        _measured.append((time.monotonic() if now is None else now, rate))


def estimate(resident: int, now: float | None = None) -> float:
    """Estimate the seconds of a clone with ``resident`` bytes.

    Uses the median of the last clones and of the assumed rate.
    """
    now = time.monotonic() if now is None else now
    with _lock:
        rates = [rate for when, rate in _measured if now - when < _FORGOTTEN_SECONDS]
    return _FIXED_SECONDS + resident / _GIB * median([_ASSUMED_RATE] * _ASSUMED_WEIGHT + rates)


def admit(resident: int) -> None:
    """Refuse a clone with an estimated pause over the budget.

    Raises:
        PauseOverBudget: The text has the figures, and the calls that still work.
    """
    expected = estimate(resident)
    if expected <= _budget:
        return
    raise PauseOverBudget(
        f"A clone of the process, with {resident >> 20} MiB resident, is estimated to stop it for "
        f"{expected:.2f} s, which is over the budget of {_budget:g} s. Snapshots, summaries and "
        "growth samples all need a clone. GetMemory and evaluation need no clone and still "
        "work. If such a pause is acceptable, raise pause_budget_seconds in [heap].",
        details={"estimated_seconds": f"{expected:.3f}", "budget_seconds": f"{_budget:g}"},
    )
