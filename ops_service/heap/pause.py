"""How long the process will stand still for the next clone, and whether it may.

A clone copies the page tables, so it takes longer the more memory is resident. How
long depends on the machine and on huge pages, so the last clones of this process
tell it best.
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
"""What a clone takes whatever the size of the process."""
_ASSUMED_RATE = 0.03
"""Seconds a GiB where nothing is known: 4 KiB pages took 16 to 31 ms a GiB on two
machines, and huge pages a tenth."""
_ASSUMED_WEIGHT = 2
"""So many measured clones does the assumption outweigh together: a single slow one
proves nothing."""
_KEPT = 9
_FORGOTTEN_SECONDS = 600.0
"""After this a measurement counts no more, so that a bad time of the machine refuses
captures for ten minutes at most."""

_lock = threading.Lock()
_budget = DEFAULT_BUDGET
_measured: deque[tuple[float, float]] = deque(maxlen=_KEPT)
"""Time and seconds a GiB of the last clones."""


def configure(budget: float) -> None:
    """Set how many seconds the process may stand still for a clone."""
    global _budget
    _budget = budget


def within_budget(seconds: float) -> float:
    """So many seconds, or the budget where that is less."""
    return min(seconds, _budget)


def note(pause: float, resident: int, now: float | None = None) -> None:
    """Remember how many seconds a clone of so many bytes took."""
    rate = max(pause - _FIXED_SECONDS, 0.0) * _GIB / max(resident, 1)
    with _lock:
        _measured.append((time.monotonic() if now is None else now, rate))


def estimate(resident: int, now: float | None = None) -> float:
    """Seconds that a clone of so many bytes is estimated to take: by the median of
    the last ones and of what is assumed."""
    now = time.monotonic() if now is None else now
    with _lock:
        rates = [rate for when, rate in _measured if now - when < _FORGOTTEN_SECONDS]
    return _FIXED_SECONDS + resident / _GIB * median([_ASSUMED_RATE] * _ASSUMED_WEIGHT + rates)


def admit(resident: int) -> None:
    """Refuse a clone that is estimated to take longer than the budget.

    Raises:
        PauseOverBudget: with the figures, and what still works.
    """
    expected = estimate(resident)
    if expected <= _budget:
        return
    raise PauseOverBudget(
        f"The process, with {resident >> 20} MiB resident, is estimated to stand still for "
        f"{expected:.2f} s while it is cloned, which is over the budget of {_budget:g} s. That "
        "goes for snapshots, summaries and growth alike. The parts of GetMemory and evaluation "
        "need no clone and still work. Where such a pause is acceptable, set "
        "pause_budget_seconds in [heap].",
        details={"estimated_seconds": f"{expected:.3f}", "budget_seconds": f"{_budget:g}"},
    )
