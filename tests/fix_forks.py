"""Children that a host application forks."""

from __future__ import annotations

import os
from typing import Any

from fix_host import Host

# `make nightly` takes a thousand. The catalogue of faults has its own number.
CHILDREN = int(os.environ.get("FORK_CHILDREN", "60"))

# Twenty at a time, because each lives until gRPC's threads have run their checks.
_CLOSING = """
import collections, os, time
counts = collections.Counter()
for _ in range({children} // 20):
    pids = []
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            os.closerange(3, 4096)
            time.sleep(0.2)
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        counts[str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))] += 1
answer = counts
"""

_FORK = """
import json, os, signal, socket, stat, traceback
read, write = os.pipe()
child = os.fork()
if child == 0:
    told = []
    try:
        os.close(read)
        signal.alarm(60)
        {code}
        os.write(write, json.dumps(told).encode())
        os._exit(0)
    except BaseException:
        os.write(write, json.dumps(traceback.format_exc()).encode())
    os._exit(1)
os.close(write)
answer = b""
while data := os.read(read, 65536):
    answer += data
os.close(read)
answer = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), json.loads(answer or b"null")]
"""


def close_in_children(host: Host, children: int) -> dict[str, int]:
    """Fork children that close all descriptors. Return how many had each exit code."""
    counts: dict[str, int] = host.run(_CLOSING.format(children=children))
    return counts


def in_forked_child(host: Host, code: str) -> Any:
    """Run statements in a forked child of the host. Return the list or value in ``told``."""
    status, told = host.run(_FORK.format(code=code.replace("\n", "\n        ")))
    assert status == 0, (status, told, host.output_file.read_text())
    return told
