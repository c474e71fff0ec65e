"""The cost of copy-on-write. The child ends itself when it is too high."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ops_service.heap import cgroup

from .host import Host
from .test_bounds import GIB, tree

WRITTEN = 48 << 20
# Pages that the process also writes to.
ELSE = 12 << 20


@pytest.fixture
def needs_a_group() -> None:
    if not cgroup.MEMBERSHIP.exists():
        pytest.skip("this system has no control groups")


def test_what_the_process_writes_to_is_told(new_host: Callable[..., Host]) -> None:
    found: dict[str, Any] = new_host().call("copied", "write_meanwhile", WRITTEN)
    assert found["idle"] < ELSE
    # The child's page tables have about the same size. They are not included.
    assert found["tables"] > ELSE
    assert WRITTEN <= found["written"] < WRITTEN + ELSE


@pytest.mark.usefixtures("needs_a_group")
def test_the_child_ends_itself_when_too_much_is_copied(
    new_host: Callable[..., Host], tmp_path: Path
) -> None:
    # Room for a snapshot. A quarter of it is less than what is written.
    root = tree(tmp_path, GIB - (64 << 20) - 2 * WRITTEN)
    found = new_host().call("copied", "write_too_much", WRITTEN, str(root))
    assert found["error"] == "InsufficientMemory", found
    assert "MiB existed twice" in found["text"]
    assert int(found["details"]["copied_bytes"]) > WRITTEN / 2


@pytest.mark.usefixtures("needs_a_group")
def test_a_failed_census_leaves_no_cycle(new_host: Callable[..., Host], tmp_path: Path) -> None:
    root = tree(tmp_path, GIB)
    assert not new_host().call("copied", "cycles_of_a_failed_census", str(root))
