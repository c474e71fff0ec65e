"""What cannot be seen is said: each private structure is changed in a host on purpose."""

from __future__ import annotations

import sys

import pytest
from fix_certs import Identity
from fix_client import credentials_of
from fix_host import Host, StartHost

from ops_client import MaintenanceClient
from ops_service.heap.engine import engine_status

by_loop = sys.version_info >= (3, 14)

NO_TASKS = """
import asyncio
asyncio.tasks._scheduled_tasks = asyncio.tasks._all_tasks = None
asyncio.tasks._c_all_tasks = lambda loop: set()
"""
NO_LOOPS = """
import asyncio
asyncio.AbstractEventLoop = type('AbstractEventLoop', (), {})
"""
OTHER_LOCK = """
import asyncio
acquire = asyncio.Lock.acquire
async def other(self): return await acquire(self)
asyncio.Lock.acquire = other
"""
OTHER_BYTECODE = """
import dis
get_instructions = dis.get_instructions
def renamed(code):
    for each in get_instructions(code):
        yield each._replace(opname='NEW_' + each.opname)
dis.get_instructions = renamed
"""
OTHER_GREENLETS = """
import greenlet
class Other(greenlet.greenlet):
    gr_frame = None
greenlet.greenlet = Other
"""


def warnings_of(host: Host, viewer: Identity) -> list[str]:
    client = MaintenanceClient(host.address, credentials_of(viewer))
    stacks = client.capture_stacks(sample_distance=0)
    # Threads are shown, whatever else is not.
    assert stacks.trailer.thread_count
    found = list(stacks.trailer.warnings)
    if not engine_status().available:
        found = [warning for warning in found if "loops that do not run now" not in warning]
    return found


def test_nothing_is_said_where_all_is_seen(start_host: StartHost, viewer: Identity) -> None:
    assert warnings_of(start_host(), viewer) == []


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (NO_TASKS, "asyncio's tasks cannot be found in this process"),
        (OTHER_BYTECODE, "Who holds a lock and who waits for one is unknown"),
        pytest.param(
            NO_LOOPS,
            "Event loops cannot be found in this process",
            marks=pytest.mark.skipif(not by_loop, reason="tasks are found without loops here"),
        ),
        pytest.param(
            OTHER_LOCK,
            "What asyncio tasks wait for cannot be read reliably",
            marks=pytest.mark.skipif(
                sys.version_info < (3, 12), reason="locks in locals are not read here"
            ),
        ),
        pytest.param(
            OTHER_GREENLETS,
            "Greenlets cannot be seen in this process",
            marks=pytest.mark.skipif(
                not engine_status().available, reason="greenlets are not searched here"
            ),
        ),
    ],
    ids=["tasks", "bytecode", "loops", "waits", "greenlets"],
)
def test_what_cannot_be_seen_is_said(
    start_host: StartHost, viewer: Identity, change: str, warning: str
) -> None:
    host = start_host()
    host.run(change)
    found = warnings_of(host, viewer)
    assert len(found) == 1
    assert warning in found[0]
