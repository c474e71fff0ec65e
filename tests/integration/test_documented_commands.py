"""opsctl accepts every opsctl command that a document shows.

No host is reached. There are no certificates to connect with, so a call with correct
options and arguments ends because certificates or files are missing. Other tests type
the lines to paste against real hosts.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from fix_opsctl import Opsctl, clean_environment

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


# Runs opsctl once for each line of standard input, a list of arguments, in one process: most
# of the time of an opsctl is its start. Prints the exit code and the messages of each.
ONE_PROCESS = """
import contextlib, io, json, sys
import ops_client.cli.app
from ops_client.cli import main
lines, sys.stdin = list(sys.stdin), io.StringIO()
for line in lines:
    sys.argv = ["opsctl", *json.loads(line)]
    code, said = 0, io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, said.getvalue()]), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int | None, str]]:
    """For each call, the exit code and what was written to standard error."""
    words = [[each for each in shlex.split(call) if each not in ("…", "...")] for call in ALL]
    done = subprocess.run(
        [sys.executable, "-c", ONE_PROCESS],
        input="".join(json.dumps(each) + "\n" for each in words),
        env=clean_environment(**NO_FILES),
        cwd=tmp_path_factory.mktemp("calls"),
        capture_output=True,
        text=True,
    )
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(printed) == len(ALL), done.stderr
    return {call: (code, said) for call, (code, said) in zip(ALL, printed, strict=True)}


@pytest.mark.parametrize("call", sorted(ALL))
def test_a_call(call: str, outcomes: dict[str, tuple[int | None, str]]) -> None:
    code, said = outcomes[call]
    # A command that the text only mentions may lack arguments.
    excused = ("Missing argument", "requires an argument", "repl needs a terminal")
    assert code != USAGE or any(each in said for each in excused), (ALL[call], said)


def test_a_wrong_option_would_be_seen(opsctl: Opsctl, tmp_path: Path) -> None:
    assert opsctl("ps", "--no-such-option", env=NO_FILES, cwd=tmp_path).returncode == USAGE
