"""A running host.py and its client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops_client import ClientCredentials, MaintenanceClient
from ops_client.errors import ConnectionFailed

HERE = Path(__file__).resolve().parent
OPSCTL = Path(sys.executable).parent / "opsctl"
CONFIG = HERE.parent / "examples/demo_shop/ops_service.toml"


@dataclass(frozen=True)
class Captured:
    """One capture. Times in seconds, sizes in bytes."""

    host: dict[str, float]
    """Figures that the host recorded during the capture."""
    pause: float
    seconds: float
    """From the call to the verified file."""
    objects: int
    size: int
    child_tables: int
    copied: int
    """Bytes duplicated by copy-on-write; 0 if the system does not report them."""


@dataclass(frozen=True)
class Counted:
    """One summary. Times in seconds."""

    gap: float
    seconds: float


class Host:
    """A running host and its client."""

    def __init__(
        self, directory: Path, objects: int, links: int = 0, python: str = sys.executable
    ) -> None:
        certs = directory / "certs"
        if not certs.exists():
            subprocess.run([OPSCTL, "certs", "init", certs], check=True, stdout=subprocess.DEVNULL)
            text = CONFIG.read_text().replace("127.0.0.1:7443", "127.0.0.1:0")
            (directory / "ops_service.toml").write_text(text)
        self.file = directory / "host.heap"
        self.process = subprocess.Popen(
            [python, HERE / "host.py", str(objects), str(links)],
            env=os.environ
            | {
                "OPS_SERVICE_CONFIG": str(directory / "ops_service.toml"),
                # gRPC and Python both warn about each bare fork.
                "GRPC_VERBOSITY": "ERROR",
                "PYTHONWARNINGS": "ignore::DeprecationWarning",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        address = self._answer()["address"]
        credentials = ClientCredentials(
            certs / "ca.pem", certs / "client.pem", certs / "client-key.pem"
        )
        self.client = MaintenanceClient(address, credentials)

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the host ended with status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def do(self, command: str) -> dict[str, Any]:
        """Send a command to the host. "gap" only returns the gap since the last command."""
        assert self.process.stdin
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self._answer()

    def fork(self) -> dict[str, Any]:
        """Make the host fork, and wait until its port, which closes for a fork, reopens."""
        answer = self.do("fork")
        until = time.monotonic() + 10
        while True:
            try:
                self.client.get_process()
                return answer
            except ConnectionFailed:
                if time.monotonic() > until:
                    raise

    def capture(self) -> Captured:
        """Capture the host's heap into a file."""
        self.do("gap")
        began = time.perf_counter()
        captured = self.client.capture_heap_snapshot(self.file)
        seconds = time.perf_counter() - began
        trailer = captured.trailer
        return Captured(
            host=self.do("gap"),
            pause=trailer.clone_pause.ToNanoseconds() / 1e9,
            seconds=seconds,
            objects=trailer.object_count,
            size=self.file.stat().st_size,
            child_tables=trailer.child_table_bytes,
            copied=trailer.copied_bytes,
        )

    def count(self) -> Counted:
        """Summarize the host's heap."""
        self.do("gap")
        began = time.perf_counter()
        self.client.summarize_heap(limit=20)
        seconds = time.perf_counter() - began
        return Counted(self.do("gap")["gap"], seconds)


@contextmanager
def running_host(
    directory: Path, objects: int, links: int = 0, python: str = sys.executable
) -> Iterator[Host]:
    """Start a host. Leaving the block ends it.

    Args:
        links: Number of other records to which each record refers.
        python: The interpreter that runs the host, with the package installed.
    """
    host = Host(directory, objects, links, python)
    try:
        yield host
    finally:
        host.client.close()
        host.process.kill()
        host.process.wait()
