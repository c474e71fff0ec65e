"""SVG line charts in the colours of the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import pairwise

_WIDTH, _HEIGHT = 860, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 116, 14, 34
_STEPS = (60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400)
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart."""

    name: str
    style: str
    """CSS class that sets its colour."""
    values: Sequence[float]


def time_chart(
    times: Sequence[float],
    lines: Sequence[Line],
    label: Callable[[float], str],
    marks: Sequence[tuple[float, str]] = (),
) -> str:
    """Draw lines over time, with axes and each line's name at its end.

    Args:
        times: Unix times, ascending, at least one.
        lines: Lines with one value for each time.
        label: Formats a value of the vertical axis.
        marks: Moments to mark, each with a text that appears on hover.
    """
    first, last = times[0], max(times[-1], times[0] + 1)
    top = _round_up(max((max(line.values, default=0) for line in lines), default=0) or 1)

    def x(time: float) -> float:
        return _LEFT + (time - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)

    parts = [f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">']
    for number in range(_TICKS):
        value = top * number / (_TICKS - 1)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" '
            f'y2="{y(value):.1f}"/><text class="tick end" x="{_LEFT - 8}" '
            f'y="{y(value) + 4:.1f}">{escape(label(value))}</text>'
        )
    for time, text in _time_ticks(first, last):
        parts.append(
            f'<text class="tick middle" x="{x(time):.1f}" y="{_HEIGHT - 10}">{text}</text>'
        )
    for time, text in marks:
        parts.append(
            f'<g class="mark"><line x1="{x(time):.1f}" x2="{x(time):.1f}" y1="{_TOP}" '
            f'y2="{_HEIGHT - _BOTTOM}"/><circle cx="{x(time):.1f}" cy="{_TOP}" r="4"/>'
            f"<title>{escape(text)}</title></g>"
        )
    ends = _spread([y(line.values[-1]) if line.values else 0.0 for line in lines])
    for line, end in zip(lines, ends, strict=True):
        path = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in zip(times, line.values, strict=True))
        parts.append(f'<polyline class="line {line.style}" points="{path}"/>')
        if line.values:
            parts.append(
                f'<circle class="dot {line.style}" cx="{x(times[-1]):.1f}" '
                f'cy="{y(line.values[-1]):.1f}" r="4"/>'
            )
        parts.append(
            f'<text class="name" x="{_WIDTH - _RIGHT + 10}" y="{end + 4:.1f}">'
            f"{escape(line.name)}</text>"
        )
    return "".join([*parts, "</svg>"])


def small_chart(values: Sequence[float], style: str) -> str:
    """Draw a curve without axes, scaled from its minimum to its maximum."""
    width, height, edge = 220, 56, 5
    low, high = min(values), max(values)
    span = (high - low) or 1
    step = (width - 2 * edge) / max(len(values) - 1, 1)
    points = [
        (edge + number * step, height - edge - (value - low) / span * (height - 2 * edge))
        for number, value in enumerate(values)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    end_x, end_y = points[-1]
    return (
        f'<svg class="curve" viewBox="0 0 {width} {height}" role="img">'
        f'<polyline class="line {style}" points="{path}"/>'
        f'<circle class="dot {style}" cx="{end_x:.1f}" cy="{end_y:.1f}" r="3.5"/></svg>'
    )


def _round_up(value: float) -> float:
    """Return the next number that divides well into the ticks."""
    unit = 2.0 ** math.floor(math.log2(value))
    return next(unit * factor for factor in (1, 1.25, 1.5, 2) if unit * factor >= value)


def _time_ticks(first: float, last: float) -> list[tuple[float, str]]:
    span = last - first
    step = next((each for each in _STEPS if span / each <= 7), _STEPS[-1])
    if span < 2 * _STEPS[0]:
        moments = [first, last]
        form = "%H:%M:%S"
    else:
        begin = math.ceil(first / step) * step
        moments = [begin + number * step for number in range(int((last - begin) // step) + 1)]
        form = "%H:%M" if span <= 86_400 else "%d %b %H:%M"
    return [(each, datetime.fromtimestamp(each, UTC).strftime(form)) for each in moments]


def _spread(places: list[float], distance: float = 16.0) -> list[float]:
    """Move overlapping labels apart."""
    order = sorted(range(len(places)), key=places.__getitem__)
    spread = list(places)
    for before, after in pairwise(order):
        spread[after] = max(spread[after], spread[before] + distance)
    return spread
