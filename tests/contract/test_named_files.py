"""Every source file that a page names exists, and internals.md names every room."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = subprocess.run(
    ["git", "ls-files", "*.py", "*.c", "*.h", "*.proto"],
    cwd=ROOT,
    check=True,
    capture_output=True,
    text=True,
).stdout.split()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NAMED = re.compile(r"`([\w/]+\.(?:py|c|h|proto))`")
SINGLE = {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    named = set(NAMED.findall(page.read_text()))
    assert {
        name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in FILES)
    } == set()


def test_the_tour_names_every_room() -> None:
    tour = (ROOT / "docs/explanation/internals.md").read_text()
    package = ROOT / "ops_service"
    rooms = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    modules = {path.name for path in package.glob("*.py")} - SINGLE
    assert {name for name in rooms | modules if f"`{name}`" not in tour} == set()
