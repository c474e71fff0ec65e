"""Hosts with several interpreters, over the wire."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fix_certs import Identity
from fix_client import credentials_of
from fix_host import Host, StartHost
from fix_opsctl import Opsctl, environment_of
from interpreters import OWN_GILS

from ops_client import MaintenanceClient
from ops_client.cli.exit_codes import ExitCode
from ops_client.heap_graph import read_heap_graph
from ops_service.heap.engine import engine_status
from ops_service.v1 import growth_pb2, process_pb2, stacks_pb2

needs_engine = pytest.mark.skipif(
    not engine_status().available, reason="the native engine cannot run here"
)
own_gils = pytest.mark.skipif(not OWN_GILS, reason="before 3.12 all interpreters share one GIL")

INCONCLUSIVE = growth_pb2.HEAP_GROWTH_VERDICT_INCONCLUSIVE
IMPORT = "import interpreters, os, threading\n"
# Allocates, frees and calls functions until its pipe is closed.
BUSY = """
told, tell = os.pipe()
code = '''
import os
def deep(depth):
    return deep(depth - 1) if depth else [bytes(100) for _ in range(200)]
while os.write({tell}, b"x"):
    kept = [deep(20) for _ in range(100)]
    del kept
'''
def in_other():
    try: interpreters.run(own, code.replace('{tell}', str(tell)))
    except Exception: pass
def read():
    while os.read(told, 4096): pass
own = interpreters.create(own_gil=True)
threads = [threading.Thread(target=each, daemon=True) for each in (in_other, read)]
for each in threads: each.start()
"""
# In a process whose heap does not change, a watch reports that it is idle.
WORK = """
import time
def work():
    count = 0
    while True:
        count += 1
        kept = [object() for _ in range(100 + 50 * (count % 4))]
        time.sleep(0.01)
threading.Thread(target=work, daemon=True).start()
"""


def process_of(host: Host, identity: Identity) -> process_pb2.GetProcessResponse:
    return host.stub(identity).GetProcess(process_pb2.GetProcessRequest(), timeout=120)


@needs_engine
def test_the_process_counts_its_interpreters(
    start_host: StartHost, viewer: Identity, opsctl: Opsctl
) -> None:
    host = start_host()
    alone = process_of(host, viewer).interpreters
    assert (alone.count, alone.own_gil_count) == (1, 0)
    assert alone.HasField("service_interpreter_id")
    assert alone.service_interpreter_id == 0
    env = environment_of(host.address, viewer)
    assert "interpreters  1\n" in opsctl("status", env=env).stdout

    host.run(
        f"{IMPORT}shared = interpreters.create()\n"
        f"if {OWN_GILS}: own = interpreters.create(own_gil=True)"
    )
    found = process_of(host, viewer).interpreters
    assert (found.count, found.own_gil_count) == ((3, 1) if OWN_GILS else (2, 0))
    shown = opsctl("status", env=env).stdout
    assert f"{found.count}, the service in number 0" in shown
    assert ("1 with a GIL of their own, which snapshots leave out" in shown) is OWN_GILS
    printed = json.loads(opsctl("status", "--json", env=env).stdout)
    assert printed["interpreters"]["count"] == found.count

    host.run(f"interpreters.destroy(shared)\nif {OWN_GILS}: interpreters.destroy(own)")
    assert process_of(host, viewer).interpreters == alone


@needs_engine
def test_a_snapshot_shows_another_interpreter(
    start_host: StartHost, admin: Identity, opsctl: Opsctl, tmp_path: Path
) -> None:
    host = start_host()
    made = host.run(
        f"{IMPORT}other = interpreters.create()\n"
        'interpreters.run(other, \'class Session: __module__ = "tenant"\\n'
        "CACHE = [Session() for _ in range(70)]')\n"
        "answer = other"
    )
    name, env = tmp_path / "one.heapgraph", environment_of(host.address, admin)
    run = opsctl("heap", "capture", "-o", name, env=env)
    assert run.returncode == ExitCode.OK, run.stderr
    names = {root.name for root in read_heap_graph(name).roots if root.kind == 7}
    assert names == {str(made)}
    path = f"interpreter {made} -> __main__"
    run = opsctl("heap", "path", "tenant.Session", name)
    assert path in run.stdout, run.stdout
    run = opsctl("heap", "path", "tenant.Session", env=env)
    assert path in run.stdout, run.stdout
    converted = tmp_path / "one.heapsnapshot"
    assert opsctl("heap", "convert", name, converted).returncode == ExitCode.OK
    assert f"interpreter {made}" in json.loads(converted.read_text())["strings"]
    host.run("interpreters.destroy(other)")


@needs_engine
@own_gils
def test_no_verdict_beside_an_interpreter_that_is_not_read(
    start_host: StartHost, viewer: Identity
) -> None:
    host = start_host()
    host.run(f"{IMPORT}{WORK}own = interpreters.create(own_gil=True)")
    request = growth_pb2.WatchHeapGrowthRequest()
    request.interval.FromMilliseconds(200)
    request.duration.FromMilliseconds(2000)
    *_, last, end = host.stub(viewer).WatchHeapGrowth(request, timeout=120)
    assert end.trailer.sample_count >= 6
    assert end.trailer.verdict == INCONCLUSIVE
    assert "other interpreters" in end.trailer.reason
    assert any("has its own GIL" in text for text in last.report.warnings)


@own_gils
def test_stacks_beside_a_busy_interpreter_do_not_harm_the_host(
    start_host: StartHost, viewer: Identity, admin: Identity
) -> None:
    host = start_host()
    host.run(IMPORT + BUSY)
    request = stacks_pb2.CaptureStacksRequest()
    request.sample_distance.FromMilliseconds(100)
    for _ in range(5):
        *groups, end = host.stub(viewer).CaptureStacks(request, timeout=120)
        assert any("has other interpreters" in text for text in end.trailer.warnings)
    functions = {frame.function for each in groups[1:] for frame in each.group.frames}
    assert "in_other" in functions
    assert "deep" not in functions
    if engine_status().available:
        client = MaintenanceClient(host.address, credentials_of(admin))
        for _ in range(3):
            client.summarize_heap()
            process_of(host, viewer)
    host.assert_alive()
