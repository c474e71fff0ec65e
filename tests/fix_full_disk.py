"""A file system of a few pages that only the command under test sees."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fix_opsctl import OPSCTL, clean_environment

_NO_MOUNT = 77
# The file system ends with the namespace, so the script lists the remaining files itself.
_SCRIPT = """
mount -t tmpfs -o "size=$1" tmpfs "$2" 2>/dev/null || exit 77
printf %s "what stood there before" > "$2/old"
cd "$2"; directory=$2; left=$3; shift 3
"$@"
code=$?
find . -mindepth 1 > "$left"
cat old > "$left.old"
exit $code
"""


@dataclass(frozen=True)
class Outcome:
    """How a command ended on a full disk."""

    code: int
    stdout: str
    stderr: str
    left: list[str]
    """Names of the files there afterwards."""
    old: str
    """The content of the file ``old`` afterwards, which existed before."""


OnFullDisk = Callable[..., Outcome]


@pytest.fixture
def on_full_disk(tmp_path: Path) -> OnFullDisk:
    """Run opsctl in a directory on its own disk: ``on_full_disk("64k", "whoami")``.

    Skips if no file system can be mounted.
    """
    disk, left = tmp_path / "disk", tmp_path / "left"
    disk.mkdir()
    # A user who is not root can mount in a user namespace, as its root.
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]

    def run(size: str, *arguments: object, env: dict[str, str] | None = None) -> Outcome:
        command: list[Any] = [*unshare, "sh", "-c", _SCRIPT, "sh", size, disk, left]
        done = subprocess.run(
            [*map(str, command), str(OPSCTL), *map(str, arguments)],
            env=clean_environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode == _NO_MOUNT or not left.exists():
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        names = sorted(left.read_text().split())
        old = left.with_name("left.old").read_text()
        return Outcome(done.returncode, done.stdout, done.stderr, names, old)

    return run
