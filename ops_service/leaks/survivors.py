"""Ages of a suspect's instances, as far as their counts show."""

from __future__ import annotations

from collections.abc import Sequence

from ops_service.leaks.report import Survivors
from ops_service.leaks.trend import lower_envelope

_AGES = 4


def survivors(times: Sequence[float], counts: Sequence[int]) -> tuple[Survivors, ...]:
    """Upper bounds of the instances that have lived since a sample, for a few samples.

    Every later sample counts the instances that survived. So the least of these counts
    is an upper bound. Fewer may have survived, if new instances replaced old ones. New
    objects reuse addresses too, so addresses would also give only a bound.

    Args:
        times: Times of the samples, ascending.
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
