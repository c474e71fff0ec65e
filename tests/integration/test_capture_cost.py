"""What a capture may cost its host, over the wire."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from fix_certs import Identity
from fix_client import Connect, credentials_of
from fix_host import Host, StartHost
from fix_opsctl import Opsctl, environment_of

from ops_client import MaintenanceClient, errors
from ops_client.cli.exit_codes import ExitCode
from ops_client.heap_graph import PathFinder, read_heap_graph
from ops_service.v1 import heap_graph_pb2


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


@pytest.mark.skipif(
    Path("/proc/sys/vm/overcommit_memory").read_text().strip() != "0",
    reason="the kernel is set to clone whatever is mapped",
)
def test_a_mapping_that_the_kernel_does_not_clone_is_named(
    start_host: StartHost, admin: Identity, tmp_path: Path
) -> None:
    host = start_host()
    # Neighbours of one kind, which the kernel merges, as the stacks of threads.
    host.run(
        "import mmap, os\n"
        "lines = dict(line.split(':') for line in open('/proc/meminfo'))\n"
        "kib = sum(int(lines[name].split()[0]) for name in ('MemTotal', 'SwapTotal'))\n"
        "flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS\n"
        "mapped = [mmap.mmap(-1, kib * 1024 * 6 // 10, flags) for _ in range(2)]"
    )
    client = MaintenanceClient(host.address, credentials_of(admin))
    said = r"One private mapping has [0-9.]+ GiB, more than .* vm\.overcommit_memory"
    # First the proof is refused, and later a walk.
    assert re.search(said, client.get_process().snapshot_engine.unavailable_reason)
    host.run("for each in mapped: each.close()")
    assert client.get_process().snapshot_engine.available
    host.run("mapped = [mmap.mmap(-1, kib * 1024 * 6 // 10, flags) for _ in range(2)]")
    with pytest.raises(errors.CloneRefused, match=said):
        client.capture_heap_snapshot(tmp_path / "host.heap")
    host.assert_alive()


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
    # Not even for a caller who accepts a pause for the whole count.
    with pytest.raises(errors.PauseOverBudget):
        client.summarize_heap(allow_pause=True)
    # The calls that the refusal suggests do work.
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


def test_a_cut_is_told(
    connect: Connect, host: Host, admin: Identity, opsctl: Opsctl, tmp_path: Path
) -> None:
    client = connect(host.address, credentials_of(admin))
    file = tmp_path / "host.heap"
    whole = client.capture_heap_snapshot(file).trailer
    assert not whole.HasField("cut")
    cut = client.capture_heap_snapshot(file, max_objects=5000).trailer
    assert cut.object_count == cut.cut.max_objects == 5000
    assert 0 < cut.cut.left_out_object_count < whole.object_count
    assert cut.cut.left_out_edge_count >= cut.cut.left_out_object_count
    assert any("lower bounds" in warning for warning in cut.warnings)

    # The objects nearest to the roots, and every edge between them.
    graph = read_heap_graph(file)
    assert (graph.object_count, graph.edge_count) == (5000, cut.edge_count)
    assert graph.edge_targets.max() < 5000
    # Elements may be left out anywhere, so no element has a number in a path.
    elements = np.flatnonzero(
        (graph.edge_kinds == heap_graph_pb2.EDGE_KIND_ELEMENT) & (graph.edge_names == 0)
    )
    paths = PathFinder(graph)
    texts = [paths.text(paths.to(target)) for target in graph.edge_targets[elements[:200]].tolist()]
    assert any("[…]" in text for text in texts)
    assert not any(re.search(r"\[\d", text) for text in texts)

    roots = np.flatnonzero(graph.flags & 4)
    found = np.zeros(5000, bool)
    found[roots] = True
    found[graph.edge_targets] = True
    assert found.all()
    assert {root.kind for root in graph.roots} >= {
        heap_graph_pb2.HEAP_ROOT_KIND_MODULES,
        heap_graph_pb2.HEAP_ROOT_KIND_THREAD,
    }
    # No object is marked as unreachable, because that is unknown.
    assert not (graph.flags & 32).any()

    environment = environment_of(host.address, admin)
    done = opsctl("heap", "capture", "-o", file, "--max-objects", 1, env=environment)
    assert done.returncode == 0
    assert "left out" in done.stderr
    assert read_heap_graph(file).trailer.cut.max_objects == 1
    done = opsctl("heap", "convert", file, tmp_path / "x.heapsnapshot")
    assert done.returncode == 0, done.stderr


def test_a_bound_that_is_not_reached_cuts_nothing(
    connect: Connect, host: Host, admin: Identity, tmp_path: Path
) -> None:
    client = connect(host.address, credentials_of(admin))
    trailer = client.capture_heap_snapshot(tmp_path / "x", max_objects=2**63).trailer
    assert not trailer.HasField("cut")
    assert trailer.object_count > 5000
