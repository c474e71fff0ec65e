"""How old the instances of a suspect are, as far as their number tells."""

from __future__ import annotations

from collections.abc import Sequence

from ops_service.leaks.report import Survivors
from ops_service.leaks.trend import lower_envelope

_AGES = 4


def survivors(times: Sequence[float], counts: Sequence[int]) -> tuple[Survivors, ...]:
    """How many were there at a sample and have been since, at most, for a few samples.

    What survived from a sample on was counted at each one after it, so the least of
    these counts bounds it. Fewer may have: others can have taken their places, as they
    can take their addresses, which would tell a bound too.

    Args:
        times: Of the samples, ascending.
        counts: One for each time.
    """
    fewest = lower_envelope(counts)
    last = len(times) - 1
    chosen = dict.fromkeys(last * part // _AGES for part in range(_AGES))
    return tuple(
        Survivors(times[last] - times[number], int(fewest[number]))
        for number in chosen
        if number < last
    )
