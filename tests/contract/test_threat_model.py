"""Each promise of the threat model names the tests that check it, and these exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/explanation/threat-model.md"
# Approvals, which do not exist.
WAITING = {56, 57}


def rows() -> list[tuple[str, str]]:
    """The promises, and the tests named next to each."""
    text = PAGE.read_text().partition("## What is promised")[2].partition("\n## ")[0]
    table = [line for line in text.splitlines() if line.startswith("| ")][1:]
    found = [line.strip("| ").rsplit(" | ", 1) for line in table]
    return [(promise, holders) for promise, holders in found]


def faults() -> dict[int, list[str]]:
    """The tests of each fault of the catalogue."""
    tests: dict[int, list[str]] = {}
    for path in (ROOT / "tests/faults").glob("test_*.py"):
        for name in re.findall(r"^def (test_\d\d_\w+)", path.read_text(), re.MULTILINE):
            for number in re.findall(r"_(\d\d)(?=_)", name):
                tests.setdefault(int(number), []).append(name)
    return tests


def named_faults(holders: str) -> set[int]:
    found: set[int] = set()
    for text in re.findall(r"faults? ((?:\d+|, | to )+)", holders):
        for first, last in re.findall(r"(\d+)(?: to (\d+))?", text):
            found |= set(range(int(first), int(last or first) + 1))
    return found


def test_there_is_a_table() -> None:
    assert len(rows()) > 30


@pytest.mark.parametrize(("promise", "holders"), rows())
def test_a_promise_is_held(promise: str, holders: str) -> None:
    names = re.findall(r"`([\w./]+)`", holders)
    assert named_faults(holders) or names, promise
    assert named_faults(holders) <= set(faults())
    for name in names:
        paths = [ROOT / name] if "/" in name else list((ROOT / "tests").glob(f"*/{name}"))
        assert any(each.exists() for each in paths), f"{name} is named and is not there"


def test_every_fault_has_a_test_and_holds_a_promise() -> None:
    numbers = set(range(1, 69)) - WAITING
    assert set(faults()) == numbers
    held = set().union(*(named_faults(holders) for _, holders in rows()))
    assert numbers - held == set()
