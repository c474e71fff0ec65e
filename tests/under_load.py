"""A host with a heartbeat, for tools that abuse it for a given time."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eventually import eventually
from fix_certs import CertificateAuthority
from fix_host import MEASURED, Host, StartHost, starter

FACTS = (
    "import os, threading\n"
    "answer = [len(os.listdir('/proc/self/fd')), len(children()),"
    " len([t for t in threading.enumerate() if t.name.startswith('ops_service')])]"
)

# What callers can request from the application itself.
APPLICATION = """
import logging, threading
import ops_service
logging.getLogger("shop").setLevel("WARNING")
@ops_service.operation("shop.add")
def add(one: int, other: int = 1) -> int:
    return one + other
@ops_service.operation("shop.wait", time_limit=0.5)
def wait(context: ops_service.OperationContext, seconds: float = 0.3):
    threading.Event().wait(min(max(seconds, 0), 0.4)); context.progress(0.5, "half")
@ops_service.operation("shop.fail")
def fail(text: str = ""):
    raise ValueError(text)
"""


class _Directories:
    """Makes directories as pytest's factory does."""

    def __init__(self, base: Path) -> None:
        self._base = base

    def mktemp(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._base))


@contextlib.contextmanager
def hosts() -> Iterator[tuple[StartHost, CertificateAuthority, Path]]:
    """Start hosts that end with the block. Yields the function that starts one, the
    authority that issues certificates, and a directory."""
    os.environ.update(MEASURED)
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        authority = CertificateAuthority(base / "authority")
        directories: Any = _Directories(base)
        with starter(authority, directories) as start:
            yield start, authority, base


def settled(host: Host) -> list[int]:
    """Descriptors, children and threads of a host, once their numbers are stable."""
    last: list[int] = []

    def is_same() -> bool:
        nonlocal last
        before, last = last, host.run(FACTS)
        return last == before

    eventually(is_same, lambda: f"they change: {last}", pause=0.2)
    return last


def left_over(host: Host, before: list[int], seconds: float = 60.0) -> list[int]:
    """What remains beyond the earlier state, once it stops shrinking."""

    def left() -> list[int]:
        return [max(0, now - then) for now, then in zip(host.run(FACTS), before, strict=True)]

    with contextlib.suppress(AssertionError):
        eventually(lambda: not any(left()), within=seconds, pause=0.05)
    return left()


def files_of(host: Host) -> set[str]:
    """Files in the folders that a host may write to: its own, the temporary one, the run
    directory and the store."""
    return {str(path) for place in host.places for path in place.rglob("*") if not path.is_dir()}


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
