"""A shell that runs the lines of a page, one after another."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from eventually import eventually

BIN = Path(sys.executable).parent
SECONDS = 150.0
_END = "==the line has ended: "


def lines_of(page: Path) -> list[str]:
    """The lines to type on a page, in order: lines after prompts, and each block of sh."""
    blocks = re.findall(r"^```(console|sh)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    lines: list[str] = []
    for language, block in blocks:
        prompts = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
        lines += prompts if language == "console" else [block.rstrip()]
    return lines


def free_ports(count: int) -> int:
    """The first of several consecutive free ports."""
    while True:
        with contextlib.ExitStack() as held:
            first = held.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                for other in range(port + 1, port + count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", other))
            except (OSError, OverflowError):
                continue
            return port


def wait_for_port(port: int) -> None:
    """Wait until a process listens on the port."""

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return True
        return False

    eventually(listens, f"nobody listens at {port}", within=SECONDS)


class Shell:
    """Bash in its own session, with the programs of this environment first on PATH."""

    def __init__(self, directory: Path) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("OPS")}
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=directory,
            env={**kept, "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.output = ""

    def __enter__(self) -> Shell:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def type(self, line: str) -> tuple[int, str]:
        """Run a line to its end. Return its exit code and everything printed meanwhile."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{line}\necho '{_END}'$?\n".encode())
        self._process.stdin.flush()
        printed = ""
        limit = time.monotonic() + SECONDS
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            while not (found := re.search(rf"{_END}(\d+)\n", printed)):
                assert ready.select(max(0.0, limit - time.monotonic())), f"{line}: {printed}"
                chunk = os.read(self._process.stdout.fileno(), 1 << 16)
                assert chunk, f"{line}: {printed}"
                printed += chunk.decode()
        self.output += f"$ {line}\n{printed}"
        return int(found[1]), printed[: found.start()]

    def type_until(
        self, line: str, codes: int | tuple[int, ...], words: str, *, within: float
    ) -> None:
        """Type a line again until it ends and prints as a page says, as a person would do.

        Args:
            codes: The exit code, or those that may come.
            words: A regular expression that the output must contain.
            within: Seconds until the last try.
        """
        allowed = codes if isinstance(codes, tuple) else (codes,)

        def answered() -> bool:
            status, printed = self.type(line)
            return status in allowed and re.search(words, printed) is not None

        eventually(answered, lambda: self.output, within=within, pause=0.5)
