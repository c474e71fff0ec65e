"""What a capture may cost its host, over the wire."""

from __future__ import annotations

from pathlib import Path

import pytest
from fix_certs import Identity
from fix_client import Connect, credentials_of
from fix_host import Host, StartHost
from fix_opsctl import Opsctl, environment_of

from ops_client import errors
from ops_client.cli.exit_codes import ExitCode


def test_the_trailer_tells_what_it_cost(
    connect: Connect, host: Host, admin: Identity, tmp_path: Path
) -> None:
    trailer = (
        connect(host.address, credentials_of(admin))
        .capture_heap_snapshot(tmp_path / "host.heap")
        .trailer
    )
    assert trailer.clone_pause.ToNanoseconds() > 0
    assert trailer.child_lifetime.ToNanoseconds() > trailer.clone_pause.ToNanoseconds()
    assert trailer.child_cpu_time.ToNanoseconds() > 0
    # The host's threads write all the time.
    assert trailer.HasField("copied_bytes")
    assert 0 < trailer.copied_bytes < 64 << 20


def test_a_pause_over_the_budget_is_refused(
    connect: Connect, start_host: StartHost, admin: Identity, opsctl: Opsctl, tmp_path: Path
) -> None:
    host = start_host(heap={"pause_budget_seconds": 0.001})
    client = connect(host.address, credentials_of(admin))
    with pytest.raises(errors.PauseOverBudget, match=r"over the budget of 0\.001 s") as caught:
        client.capture_heap_snapshot(tmp_path / "host.heap")
    assert float(caught.value.details["estimated_seconds"]) > 0.001
    with pytest.raises(errors.PauseOverBudget):
        client.summarize_heap()
    # Not even a caller who would let the process stand still for a whole count.
    with pytest.raises(errors.PauseOverBudget):
        client.summarize_heap(allow_pause=True)
    # What the refusal says works.
    memory = client.get_memory()
    assert memory.parts.resident.bytes > 0
    assert client.evaluate_code("1 + 1").result.value_repr == "2"
    status = client.get_process().snapshot_engine
    assert not status.available
    assert "over the budget" in status.unavailable_reason
    done = opsctl("heap", "capture", "-o", tmp_path / "x", env=environment_of(host.address, admin))
    assert done.returncode == ExitCode.PAUSE_OVER_BUDGET
    assert "pause_budget_seconds" in done.stderr
    assert not list(tmp_path.iterdir())
