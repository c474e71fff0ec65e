"""Every call of opsctl that a document shows is one that opsctl takes.

Nothing is reached: there are no certificates to connect with, so that a call whose options
and arguments are right ends for want of them, or of files. What a document has to paste
is typed against real hosts by other tests.
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
    """What follows ``opsctl`` in blocks and in words set as code, up to the shell's own."""
    blocks = re.findall(r"^```(?:console|sh)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    command = re.compile(r"(?:^|[\s(=])opsctl ([a-z](?:'[^']*'|[^'|>&;#)\[])*)")
    return [found.strip() for line in (*lines, *spans) for found in command.findall(line)]


# Each call once, by the first document that has it.
ALL = {each: name for name in reversed(DOCUMENTS) for each in calls((ROOT / name).read_text())}


def test_there_are_some() -> None:
    assert len(ALL) > 50


@pytest.mark.parametrize(("call", "document"), sorted(ALL.items()))
def test_a_call(call: str, document: str, opsctl: Opsctl, tmp_path: Path) -> None:
    words = [each for each in shlex.split(call) if each not in ("…", "...")]
    done = opsctl(*words, env=NO_FILES, cwd=tmp_path)
    # What is spoken of in passing is not shown with all that it takes.
    excused = ("Missing argument", "requires an argument", "repl needs a terminal")
    assert done.returncode != USAGE or any(each in done.stderr for each in excused), done.stderr
