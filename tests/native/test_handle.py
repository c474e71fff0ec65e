"""The parent's handle of a child stays correct, whoever reaps the child."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ops_service.errors import Cancelled
from ops_service.heap.child_handle import WalkBounds, WalkChild, WalkKind
from ops_service.heap.headroom import resident_bytes
from ops_service.heap.model import ContentLevel

from .programs.patient import PATIENCE

WAIT_ALL = 0x40000000  # __WALL: also children whose exit sends no signal


@pytest.fixture(scope="module", autouse=True)
def ballast() -> list[list[int]]:
    """More than a pipe holds, so that a child waits for a reader."""
    return [[number] for number in range(200_000)]


def unread_child() -> WalkChild:
    """A child that will wait for a reader."""
    return WalkChild().start(
        WalkKind.SNAPSHOT,
        WalkBounds(lifetime=PATIENCE, table_bytes=1 << 30),
        resident_bytes(),
        (0, ContentLevel.NONE, 0, False),
    )


def process_of(pidfd: int) -> int:
    """The process that the system reports for a descriptor, or -1 once it is reaped."""
    lines = Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines()
    return int(dict(line.split(":", 1) for line in lines)["Pid"])


def test_a_killed_child_is_reaped_with_its_figures() -> None:
    child = unread_child()
    child.read()
    child.cancel()
    with pytest.raises(Cancelled):
        child.finish()
    assert child.end is not None
    assert child.end.signal == signal.SIGKILL
    assert child.end.cpu_time > 0
    child.close()
    assert child._child.pidfd == -1


def test_a_host_that_reaps_all_frees_the_number_and_not_the_descriptor() -> None:
    child = unread_child()
    handle = child._child
    if handle.pidfd < 0:
        pytest.skip("this system has no descriptors of processes")
    assert process_of(handle.pidfd) == handle.pid
    assert not os.get_inheritable(handle.pidfd)
    os.kill(handle.pid, signal.SIGKILL)
    # A host may wait for any child in this way.
    assert os.waitpid(handle.pid, WAIT_ALL)[0] == handle.pid
    # Another process may get the number now. The descriptor never means another process.
    assert process_of(handle.pidfd) == -1
    handle.kill()
    assert child.ended()
    child.close()


def test_a_child_that_ends_is_noticed_at_once() -> None:
    child = WalkChild().start(
        WalkKind.CENSUS, WalkBounds(lifetime=PATIENCE, table_bytes=1 << 30), resident_bytes()
    )
    while child.read():
        pass
    assert child.finish().signal == 0
    assert child.ended()
    child.close()
