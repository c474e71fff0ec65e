"""Limits of control groups, in trees of both versions that the test makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops_service.errors import InsufficientMemory
from ops_service.heap import cgroup
from ops_service.heap.headroom import Cost, Headroom, admit, estimate, headroom, resident_bytes

MIB = 1 << 20


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def version_2(tmp_path: Path) -> tuple[Path, Path]:
    root = tmp_path / "cgroup"
    write(
        root,
        {
            "memory.max": "max\n",
            "pod/memory.max": f"{800 * MIB}\n",
            "pod/memory.current": f"{300 * MIB}\n",
            "pod/memory.stat": f"anon 1\ninactive_file {50 * MIB}\n",
            "pod/cpu.max": "100000 100000\n",
            "pod/cpu.stat": "usage_usec 1\nnr_throttled 7\n",
            "pod/app/memory.max": f"{500 * MIB}\n",
            "pod/app/memory.current": f"{100 * MIB}\n",
            "pod/app/cpu.max": "50000 100000\n",
            "pod/app/cpu.stat": "nr_throttled 2\n",
        },
    )
    membership = tmp_path / "membership"
    membership.write_text("0::/pod/app\n")
    return root, membership


@pytest.fixture
def version_1(tmp_path: Path) -> tuple[Path, Path]:
    root = tmp_path / "cgroup"
    write(
        root,
        {
            "memory/memory.limit_in_bytes": "9223372036854771712\n",
            "memory/memory.usage_in_bytes": "5\n",
            "memory/app/memory.limit_in_bytes": f"{400 * MIB}\n",
            "memory/app/memory.usage_in_bytes": f"{390 * MIB}\n",
            "memory/app/memory.stat": f"total_inactive_file {20 * MIB}\n",
            "cpu/app/cpu.cfs_quota_us": "150000\n",
            "cpu/app/cpu.cfs_period_us": "100000\n",
            "cpu/app/cpu.stat": "nr_periods 3\nnr_throttled 1\n",
        },
    )
    membership = tmp_path / "membership"
    membership.write_text("5:memory:/app\n3:cpu,cpuacct:/elsewhere\n2:cpu:/app\n1:name=systemd:/\n")
    return root, membership


def test_every_level_of_version_2_counts(version_2: tuple[Path, Path]) -> None:
    found = {each.limit: each for each in cgroup.memory_limits(*version_2)}
    assert set(found) == {500 * MIB, 800 * MIB}
    assert found[800 * MIB].usage == 300 * MIB
    assert found[800 * MIB].reclaimable == 50 * MIB
    assert found[500 * MIB].reclaimable == 0
    assert cgroup.cpu_quota(*version_2) == cgroup.CpuQuota(0.5, 9)


def test_version_1_counts_and_no_limit_is_none(version_1: tuple[Path, Path]) -> None:
    (only,) = cgroup.memory_limits(*version_1)
    assert (only.limit, only.usage, only.reclaimable) == (400 * MIB, 390 * MIB, 20 * MIB)
    assert cgroup.cpu_quota(*version_1) == cgroup.CpuQuota(1.5, 1)


def test_a_container_that_sees_the_hosts_path_reads_the_root(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    write(root, {"memory.max": str(200 * MIB), "memory.current": str(MIB)})
    membership = tmp_path / "membership"
    membership.write_text("0::/kubepods/pod1234/abcd\n")
    assert [each.limit for each in cgroup.memory_limits(root, membership)] == [200 * MIB]


@pytest.mark.parametrize("text", ["", "nonsense\n", "0::\n", "::::\n", "0:memory\n"])
def test_a_membership_that_makes_no_sense_is_no_limit(tmp_path: Path, text: str) -> None:
    membership = tmp_path / "membership"
    membership.write_text(text)
    assert cgroup.memory_limits(tmp_path, membership) == []
    assert cgroup.cpu_quota(tmp_path, membership) == cgroup.CpuQuota(0.0, 0)


def test_no_control_groups_leave_the_memory_of_the_system(tmp_path: Path) -> None:
    room = headroom(tmp_path / "nothing")
    assert room.source == "memory of the system"
    assert 0 < room.free < room.limit
    assert [bound[2] for bound in room.bounds] == ["MemAvailable"]


def test_a_refusal_says_the_figures_and_what_still_fits() -> None:
    room = Headroom(100 * MIB, 400 * MIB, "limit of the control group", ())
    cost = Cost(snapshot=90 * MIB, census=20 * MIB, growth=60 * MIB, copied=5 * MIB)
    assert admit(cost.snapshot, 0, room, cost, "snapshot") >= cost.snapshot
    with pytest.raises(
        InsufficientMemory, match="90 MiB, and 60 MiB are left of 400 MiB"
    ) as caught:
        admit(cost.snapshot, 40 * MIB, room, cost, "snapshot")
    # By estimate, a snapshot of that many objects takes exactly what is left.
    assert "still fit: a snapshot with max_objects up to 700,000, a summary." in str(caught.value)
    assert caught.value.details["free_bytes"] == str(60 * MIB)
    with pytest.raises(InsufficientMemory, match="still fit: none"):
        admit(cost.snapshot, 95 * MIB, room, cost, "snapshot")


def test_a_cut_snapshot_is_estimated_to_take_less() -> None:
    whole, cut, short = (estimate(resident_bytes(), most) for most in (0, 1000, 10**9))
    assert cut.snapshot < whole.snapshot - MIB
    # Allocations come and go between two estimates.
    assert short.snapshot == pytest.approx(whole.snapshot, rel=0.1)
