"""Identity of this process."""

from __future__ import annotations

import os
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """Facts that distinguish this process from every other. Times are Unix times in seconds."""

    instance_id: str
    """Random, new each time a service starts."""
    pid: int
    """Process id in the process's own pid namespace."""
    start_time: float | None
    """When the system started the process. None if the system does not report it."""
    service_start_time: float
    """When this identity was created."""
    host_name: str
    """Host name as the process sees it."""


def identify_process() -> ProcessIdentity:
    """Create the identity of a service that starts now."""
    return ProcessIdentity(
        instance_id=secrets.token_hex(16),
        pid=os.getpid(),
        start_time=start_time_of(os.getpid()),
        service_start_time=time.time(),
        host_name=socket.gethostname(),
    )


def start_time_of(pid: int) -> float | None:
    """When the system started a process. None if it does not exist, or is not reported."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        boot = Path("/proc/stat").read_text(encoding="ascii")
        # The second field is the program's name, which may hold spaces and brackets.
        ticks = int(stat.rpartition(b")")[2].split()[19])
        boot_time = next(
            int(line.split()[1]) for line in boot.splitlines() if line.startswith("btime ")
        )
        return boot_time + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration):
        return None
