"""A terminal that a test types into, and a connection that it can cut."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import socket
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fix_opsctl import OPSCTL, clean_environment

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[=>]|\x1b\][^\x07]*\x07")


class Terminal:
    """opsctl with its own terminal."""

    def __init__(self, *arguments: str, env: dict[str, str]) -> None:
        self._fd, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self._text = ""
        self._read_until = 0

        # setsid takes the terminal. A preexec_fn would make this process fork with gRPC's
        # handlers, and gRPC may end such a child by SIGABRT.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", OPSCTL, *arguments],
            stdin=there,
            stdout=there,
            stderr=there,
            env=clean_environment(TERM="xterm", PROMPT_TOOLKIT_NO_CPR="1", **env),
        )
        os.close(there)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._fd, text.encode())

    def wait_for(self, text: str, seconds: float = 60.0) -> None:
        """Wait until the terminal shows a text, after the text of the last wait."""
        limit = time.monotonic() + seconds
        while (found := self._plain().find(text, self._read_until)) < 0:
            left = limit - time.monotonic()
            assert left > 0, f"{text!r} was not shown: {self._plain()[self._read_until :]!r}"
            if select.select([self._fd], [], [], left)[0]:
                try:
                    self._text += os.read(self._fd, 65536).decode(errors="replace")
                except OSError:
                    raise AssertionError(f"opsctl ended: {self._plain()!r}") from None
        self._read_until = found + len(text)

    def _plain(self) -> str:
        return _ESCAPES.sub("", self._text)

    def wait_for_end(self) -> int:
        """Wait for the exit code, and keep reading meanwhile."""
        with contextlib.suppress(OSError):
            while data := os.read(self._fd, 65536):
                self._text += data.decode(errors="replace")
        return self.process.wait(60)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._fd)


class Wire:
    """Forwards connections to an address, until it is cut."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._ends += [near, far]
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(a, b), daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """Break every connection. New connections are forwarded again."""
        ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[contextlib.ExitStack]:
    """Close everything that a test opens."""
    with contextlib.ExitStack() as stack:
        yield stack
