"""The table of faults that a run of `tests/faults` prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

# All but 56 and 57, which wait for approvals.
CATALOGUE = 66


@dataclass
class Line:
    """One line of the table."""

    outcome: str = ""
    gap: float | None = None
    control_gap: float = 0.0
    control_wait: float = 0.0
    """As the gap without a port, but with the waits for processors included."""
    percentiles: tuple[float, float] | None = None
    """99 % of the gaps stayed below this, with a port and without."""
    resident: tuple[int, int] | None = None
    probe: float | None = None
    """The slowest answer over a connection that existed before."""
    fresh_probe: float | None = None
    """The slowest answer over a connection made for the request."""
    notes: list[str] = field(default_factory=list)
    """What could not be checked, and why."""


LINES: dict[str, Line] = {}


@pytest.fixture
def line(request: pytest.FixtureRequest) -> Line:
    """The line of the running test in the table."""
    return LINES.setdefault(request.node.name, Line())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    if "tests/faults/" not in item.nodeid:
        return
    line = LINES.setdefault(item.name, Line())
    if report.failed:
        line.outcome = "FAILED"
    elif report.skipped:
        line.outcome = "skipped"
        line.notes.append(str(report.longrepr[-1]).removeprefix("Skipped: "))
    elif report.when == "call" and line.outcome != "FAILED":
        line.outcome = "passed"


def milliseconds(seconds: float | None, digits: int = 0) -> str:
    return "" if seconds is None else f"{seconds * 1e3:.{digits}f}"


def row(number: str, title: str, line: Line) -> str:
    middle, control_middle = line.percentiles or (None, None)
    control = line.control_gap if line.gap is not None else None
    resident = " -> ".join(f"{each / 2**20:.0f}" for each in line.resident or ())
    return (
        f"{number:>2} {title[:49]:<49} {line.outcome:<8} {milliseconds(line.gap):>7} "
        f"{milliseconds(control):>7} {milliseconds(middle, 1):>7} "
        f"{milliseconds(control_middle, 1):>7} {resident:>11} {milliseconds(line.probe):>9} "
        f"{milliseconds(line.fresh_probe):>8}"
    )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table of faults, if any ran."""
    if not LINES:
        return
    terminalreporter.section("faults")
    outcomes: dict[int, set[str]] = {}
    notes: list[str] = []
    terminalreporter.line(
        f"{'fault':<52} {'outcome':<8} {'gap ms':>7} {'control':>7} {'p99 ms':>7} {'control':>7} "
        f"{'RSS MiB':>11} {'probe ms':>9} {'anew ms':>8}"
    )
    for name, line in sorted(LINES.items()):
        numbers = re.findall(r"_(\d\d)(?=_)", name)
        for number in numbers:
            outcomes.setdefault(int(number), set()).add(line.outcome)
        title = name.removeprefix(f"test_{numbers[0]}_").replace("_", " ")
        terminalreporter.line(row(numbers[0], title, line))
        # A retried fault prints each note once.
        notes += dict.fromkeys(f"{numbers[0]:>2} {title[:49]}: {note}" for note in line.notes)
    for note in notes:
        terminalreporter.line(note)
    tried = {number for number, found in outcomes.items() if found - {"skipped", ""}}
    passed = {number for number in tried if outcomes[number] <= {"passed", "skipped"}}
    gaps = [line.gap for line in LINES.values() if line.gap is not None]
    terminalreporter.line(
        f"{len(passed)} passed of {len(tried)} run, of {CATALOGUE} in the catalogue"
        + (f"; largest gap of a heartbeat {max(gaps) * 1e3:.0f} ms" if gaps else "")
    )
    left = sorted(set(outcomes) - tried)
    if left:
        terminalreporter.line(f"skipped: {', '.join(map(str, left))}")
