"""opsctl accepts every opsctl command that a document shows.

No host is reached. There are no certificates to connect with, so a call with correct
options and arguments ends because certificates or files are missing. Other tests type
the lines to paste against real hosts.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from fix_opsctl import Opsctl

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = subprocess.run(
    ["git", "ls-files", "-z", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True
).stdout.split("\0")[:-1]
NO_FILES = {f"OPSCTL_{name}": f"no-{name}" for name in ("TARGET", "CA", "CERT", "KEY")}
USAGE = 2


def calls(text: str) -> list[str]:
    """The text after ``opsctl`` in blocks and inline code, up to the shell's own syntax."""
    blocks = re.findall(r"^```(?:console|sh)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    command = re.compile(r"(?:^|[\s(=])opsctl ([a-z](?:'[^']*'|[^'|>&;#)\[])*)")
    return [found.strip() for line in (*lines, *spans) for found in command.findall(line)]


# Each call once, from the first document that has it.
ALL = {each: name for name in reversed(DOCUMENTS) for each in calls((ROOT / name).read_text())}


def test_there_are_some() -> None:
    assert len(ALL) > 50


@pytest.mark.parametrize(("call", "document"), sorted(ALL.items()))
def test_a_call(call: str, document: str, opsctl: Opsctl, tmp_path: Path) -> None:
    words = [each for each in shlex.split(call) if each not in ("…", "...")]
    done = opsctl(*words, env=NO_FILES, cwd=tmp_path)
    # A command that the text only mentions may lack arguments.
    excused = ("Missing argument", "requires an argument", "repl needs a terminal")
    assert done.returncode != USAGE or any(each in done.stderr for each in excused), done.stderr
