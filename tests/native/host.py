"""A host process for tests of the walker: a real child, driven by requests."""

from __future__ import annotations

import marshal
import os
import select
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

HERE = Path(__file__).parent

START = """
import sys, importlib
sys.path.insert(0, sys.argv[1])
importlib.import_module(sys.argv[2]).main()
"""


class HostFailed(Exception):
    """The host ended, or a function in it raised. The text contains its traceback."""


class Host:
    """Starts ``programs/serve.py`` and calls functions in it.

    Args:
        environment: Variables in addition to the test's own.
        python: The interpreter, by default the test's own.
    """

    def __init__(
        self, environment: dict[str, str] | None = None, python: str = sys.executable
    ) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the host
        self.process = subprocess.Popen(
            # Without -P it would import the sources in the current directory, beside which
            # lies the walker of another environment.
            [python, "-P", "-c", START, str(HERE.parent), f"{HERE.name}.programs.serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=os.environ | (environment or {}),
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def call(self, module: str, function: str, *arguments: object, within: float = 150.0) -> Any:
        """Run a function of a module next to ``serve.py``. Return its result."""
        self.send(module, function, *arguments)
        return self.receive(within)

    def send(self, module: str, function: str, *arguments: object) -> None:
        data = marshal.dumps((module, function, arguments))
        assert self.process.stdin is not None
        self.process.stdin.write(struct.pack("<Q", len(data)) + data)
        self.process.stdin.flush()

    def receive(self, within: float = 150.0) -> Any:
        deadline = time.monotonic() + within
        (length,) = struct.unpack("<Q", self._read(8, deadline))
        succeeded, value = marshal.loads(self._read(length, deadline))
        if not succeeded:
            raise HostFailed(value)
        return value

    def _read(self, length: int, deadline: float) -> bytes:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        data = bytearray()
        while len(data) < length:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([descriptor], [], [], left)[0]:
                raise HostFailed(f"the host did not answer in time; it said:\n{self.said()}")
            part = os.read(descriptor, min(length - len(data), 1 << 20))
            if not part:
                status = self.process.wait(10)
                raise HostFailed(f"the host ended with {status}; it said:\n{self.said()}")
            data += part
        return bytes(data)

    def said(self) -> str:
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def close(self) -> None:
        """End the host: close its input, and kill it if it stays."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process.stdout.close()
        self.errors.close()

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
