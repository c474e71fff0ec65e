"""The lines of the tutorial, typed as they stand in one shell, against the demo shop."""

from __future__ import annotations

from pathlib import Path

import pytest
from fix_play import Play
from fix_shell import Shell, lines_of
from page_commands import NOT_TYPED

TYPES = ("docs/tutorial.md",)
PAGE = Path(__file__).resolve().parents[2] / TYPES[0]
SECONDS = 200.0
LEAK = 90

# How each line begins, its exit code, and the output that the page relies on.
EXPECTED = [
    (".", 0, r""),
    ("opsctl whoami", 0, r"spiffe://ops\.local/operator"),
    ("opsctl status", 0, r"snapshots +available"),
    ("opsctl heap summary", 0, r"The process stood still for"),
    ("opsctl heap capture", 0, r"Captured"),
    ("opsctl heap suspects", 0, r"demo_shop\.catalogue\.Catalogue"),
    ("opsctl leaks watch", LEAK, r"leak\. demo_shop\.sessions\.Cart: .*listeners"),
    ("opsctl heap path", 0, r"listeners.*demo_shop\.sessions\.Cart"),
    ("opsctl eval", 0, r"\d+"),
]


@pytest.mark.timeout(400)
def test_the_tutorial(play: Play, tmp_path: Path) -> None:
    lines = [line for line in lines_of(PAGE) if line not in NOT_TYPED]
    assert len(lines) == len(EXPECTED)
    with Shell(tmp_path) as shell:
        for line, (begins, code, words) in zip(lines, EXPECTED, strict=True):
            assert line.startswith(begins)
            text = line.replace(".demo/", f"{play.directory}/")
            # A busy machine may take samples unevenly. A reader's machine may, too.
            shell.type_until(text, code, words, within=SECONDS)
