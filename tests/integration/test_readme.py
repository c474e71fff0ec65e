"""The lines to paste in the README work against the host of `make play`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fix_play import Play
from page_commands import NOT_TYPED

TYPES = ("README.md",)
"""The page whose lines are typed here."""
README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def paste(play: Play, text: str, directory: Path, *command: str | Path) -> str:
    """Run the text as it stands, apart from the paths of the host and its files."""
    text = text.replace("127.0.0.1:7443", play.address).replace(".demo/", f"{play.directory}/")
    outcome = subprocess.run(
        [*command, text],
        cwd=directory,
        env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def test_the_grpcurl_call(play: Play, tmp_path: Path) -> None:
    (call,) = (block for block in blocks("sh") if block.startswith("grpcurl"))

    reply = json.loads(paste(play, call, tmp_path, "bash", "-c"))

    assert len(reply["types"]) == 5
    assert reply["process"]["pid"] == play.shop_pid


def test_the_python_call(play: Play, tmp_path: Path) -> None:
    (call,) = (block for block in blocks("python") if "MaintenanceClient" in block)

    rows = paste(play, call, tmp_path, sys.executable, "-c").splitlines()

    assert len(rows) == 5
    assert all(re.fullmatch(r" *\d+ \S+", row) for row in rows)


def test_the_lines_for_opsctl(play: Play, tmp_path: Path) -> None:
    (session,) = (block for block in blocks("console") if "opsctl" in block)
    lines = re.findall(r"^\$ (.*)$", session, re.MULTILINE)

    output = paste(play, "set -e\n" + "\n".join(lines), tmp_path, "bash", "-c")

    assert "dict" in output
    converted = json.loads((tmp_path / "shop.heapsnapshot").read_bytes())
    assert any("demo_shop.sessions.Cart" in text for text in converted["strings"])


def test_each_line_is_typed_here_or_by_nobody() -> None:
    sessions = [block for block in blocks("console") if "opsctl" not in block]
    rest = [line.partition("  ")[0].strip() for block in sessions for line in block.splitlines()]
    assert [line for line in rest if line.removeprefix("$ ") not in NOT_TYPED] == []
    assert len(blocks("sh")) == 1


@pytest.mark.parametrize("language", ["sh", "python", "console"])
def test_the_readme_has_something_to_paste(language: str) -> None:
    assert blocks(language)
