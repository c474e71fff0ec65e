"""An application that only opens its port, and waits for the end of its standard input."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from fix_certs import CertificateAuthority
from fix_host import configuration, toml

IDLE = """
import sys
import ops_service
service = ops_service.start()
print(service.address, flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def running_idle(
    authority: CertificateAuthority, folder: Path, command: Sequence[str | Path]
) -> Iterator[str]:
    """Run a command that runs ``IDLE``. Yields the address of its port."""
    file = folder / "ops.toml"
    file.write_text(toml(configuration(authority, folder / "audit.jsonl")))
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "OPS_SERVICE_CONFIG": str(file)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().decode().strip()
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()
