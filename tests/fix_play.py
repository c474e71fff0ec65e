"""The demo host, started as `make play` starts it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TOUR = Path(__file__).resolve().parents[1] / "examples/tour.py"


@dataclass
class Play:
    """A running demo host, and its output until it was ready."""

    process: subprocess.Popen[str]
    directory: Path
    output: str

    @property
    def address(self) -> str:
        return self._printed(r"its port is (\S+)\.\n")

    @property
    def shop_pid(self) -> int:
        return int(self._printed(r"runs as process (\d+),"))

    def _printed(self, pattern: str) -> str:
        found = re.search(pattern, self.output)
        assert found, self.output
        return found[1]


def start_play(directory: Path) -> Play:
    """Start the demo host and wait until it reports that it is ready."""
    process = subprocess.Popen(
        [sys.executable, TOUR, "play", "--directory", directory, "--address", "127.0.0.1:0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    output = ""
    for line in process.stdout:
        output += line
        if line.startswith("Ctrl-C ends"):
            return Play(process, directory, output)
    process.wait()
    raise AssertionError(output)


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """A running demo host on its own port."""
    started = start_play(tmp_path_factory.mktemp("play"))
    yield started
    started.process.send_signal(signal.SIGINT)
    try:
        assert started.process.wait(timeout=60) == 0
    finally:
        started.process.kill()
