"""TraceAllocations over the wire, through both clients and opsctl."""

from __future__ import annotations

import json
import sys
from typing import Any

import grpc
import pytest
from fix_certs import Identity
from fix_client import Connect, credentials_of
from fix_host import Host, StartHost
from fix_opsctl import Opsctl, environment_of
from fix_status import status_of
from google.protobuf.duration_pb2 import Duration

from ops_client.cli.exit_codes import ExitCode
from ops_client.errors import Busy, PermissionDenied, TracingUnavailable
from ops_service.v1 import allocations_pb2

# A thread that keeps one buffer for each beat, on its own line.
LEAK = """
import threading, tracemalloc
kept, leaking = [], threading.Event()
def grow():
    return bytearray(5_000)
def leak():
    while leaking.wait():
        kept.append(grow())
        if len(kept) > 2000: del kept[:1000]
        threading.Event().wait(0.002)
threading.Thread(target=leak, daemon=True).start()
leaking.set()
"""


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost) -> Host:
    host = start_shared_host()
    host.run(LEAK)
    return host


def site_of_grow(found: Any) -> allocations_pb2.TracedSite:
    (site,) = [
        site
        for site in found.sites
        if (site.frames[-1].file, site.frames[-1].line) == ("<test>", 5)
    ]
    assert isinstance(site, allocations_pb2.TracedSite)
    return site


def test_it_names_the_line_and_is_off_again(connect: Connect, host: Host, admin: Identity) -> None:
    client = connect(host.address, credentials_of(admin))
    found = client.trace_allocations(duration=1.2, frame_limit=2)
    assert not found.header.already_tracing
    assert found.header.frame_limit == 2
    site = site_of_grow(found)
    assert site.size == site.size_difference
    assert site.count == site.count_difference >= 2
    assert site.size > 5_000 * 2
    assert [frame.file for frame in site.frames] == ["<test>", "<test>"]
    assert [site.frames[0].line] == [8]
    sizes = [site.size_difference for site in found.sites]
    assert sizes == sorted(sizes, reverse=True)
    assert len(found.sites) <= 25
    trailer = found.trailer
    assert trailer.peak_bytes >= trailer.traced_bytes >= site.size
    assert trailer.tracer_bytes > 0
    assert len(trailer.pauses) == 1
    assert not trailer.still_tracing
    assert not trailer.warnings
    assert host.run("answer = tracemalloc.is_tracing()") is False
    # The service's own allocations are not the application's.
    assert not any("ops_service/" in frame.file for s in found.sites for frame in s.frames)


def test_where_the_application_traces_itself(connect: Connect, host: Host, admin: Identity) -> None:
    host.run("tracemalloc.start(3)\nbig = [bytes(100_000) for _ in range(10)]")
    try:
        found = connect(host.address, credentials_of(admin)).trace_allocations(duration=0.3)
        assert host.run("answer = tracemalloc.is_tracing()") is True
    finally:
        host.run("tracemalloc.stop(); del big")
    assert found.header.already_tracing
    assert found.header.frame_limit == 3
    assert found.trailer.still_tracing
    assert len(found.trailer.pauses) == 2
    # Earlier allocations are not part of the difference.
    assert not any(
        site.size_difference > 900_000 and site.frames[-1].line == 2 for site in found.sites
    )


def test_one_window_at_a_time_and_a_caller_that_goes_away(
    connect: Connect, host: Host, admin: Identity
) -> None:
    request = allocations_pb2.TraceAllocationsRequest(duration=Duration(seconds=600))
    call = host.stub(admin).TraceAllocations(request, timeout=120)
    assert next(call).WhichOneof("part") == "header"
    assert host.run("answer = tracemalloc.is_tracing()") is True
    with pytest.raises(Busy) as raised:
        connect(host.address, credentials_of(admin)).trace_allocations(duration=0.1)
    assert raised.value.retry_after == 5
    call.cancel()
    host.wait_for("not tracemalloc.is_tracing()")
    host.assert_alive()


def test_it_is_off_when_the_service_stops_and_in_a_forked_child(
    start_host: StartHost, admin: Identity
) -> None:
    host = start_host()
    host.run("import tracemalloc, os")
    request = allocations_pb2.TraceAllocationsRequest(duration=Duration(seconds=600))
    call = host.stub(admin).TraceAllocations(request, timeout=120)
    assert next(call).WhichOneof("part") == "header"
    forked = host.run(
        "r, w = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.write(w, str(tracemalloc.is_tracing()).encode()); os._exit(0)\n"
        "os.wait(); answer = os.read(r, 10).decode()"
    )
    assert forked == "False"
    assert host.run("answer = tracemalloc.is_tracing()") is True
    host.run("service.stop()")
    host.wait_for("not tracemalloc.is_tracing()")


def test_it_ends_before_it_takes_too_much(connect: Connect, host: Host, admin: Identity) -> None:
    host.run("many = []")
    client = connect(host.address, credentials_of(admin))
    found = client.trace_allocations(
        duration=120,
        memory_limit=1 << 20,
        on_progress=lambda _: host.run("many += [object() for _ in range(20_000)]"),
    )
    host.run("del many")
    (warning,) = found.trailer.warnings
    assert "memory_limit" in warning
    assert found.trailer.elapsed.ToSeconds() < 120


def test_the_application_may_switch_it_off(connect: Connect, host: Host, admin: Identity) -> None:
    client = connect(host.address, credentials_of(admin))
    found = client.trace_allocations(
        duration=1.5, on_progress=lambda _: host.run("tracemalloc.stop()")
    )
    assert not found.sites
    assert "switched tracemalloc off" in found.trailer.warnings[0]
    assert host.run("answer = tracemalloc.is_tracing()") is False


def test_to_inspect_is_not_to_operate(connect: Connect, host: Host, viewer: Identity) -> None:
    with pytest.raises(PermissionDenied, match="OPERATE"):
        connect(host.address, credentials_of(viewer)).trace_allocations(duration=0.1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *(({"duration": Duration(seconds=s)}, "duration") for s in (0, -1, 601, 10**9)),
        ({"frame_limit": 33}, "frame_limit"),
        ({"limit": 10_001}, "limit"),
        ({"memory_limit": 1 << 40}, "memory_limit"),
    ],
)
def test_bad_input(host: Host, admin: Identity, changes: dict[str, Any], field: str) -> None:
    request = allocations_pb2.TraceAllocationsRequest(**changes)
    with pytest.raises(grpc.RpcError) as raised:
        list(host.stub(admin).TraceAllocations(request, timeout=120))
    status = status_of(raised.value)
    assert (status.reason, status.details["field"]) == ("INVALID_REQUEST", field)
    assert host.run("answer = tracemalloc.is_tracing()") is False


def test_opsctl(opsctl: Opsctl, host: Host, admin: Identity) -> None:
    env = environment_of(host.address, admin)
    run = opsctl("alloc", "trace", "--duration", 0.5, env=env)
    assert (run.returncode, run.stderr) == (ExitCode.OK, "")
    assert "<test>:5" in run.stdout
    assert "Tracing is off again." in run.stdout
    run = opsctl("alloc", "trace", "--duration", 0.2, "--json", "--limit", 3, env=env)
    document = json.loads(run.stdout)
    assert len(document["sites"]) <= 3
    assert document["trailer"]["still_tracing"] is False


# Another interpreter, which does nothing. 3.12.1 crashes without any tracing if it imports.
INTERPRETERS = """
try: import _interpreters
except ImportError: import _xxsubinterpreters as _interpreters
"""


def test_it_is_refused_while_another_interpreter_exists(
    start_host: StartHost, connect: Connect, admin: Identity, opsctl: Opsctl
) -> None:
    host = start_host()
    host.run(INTERPRETERS + "import tracemalloc\nother = _interpreters.create()")
    client = connect(host.address, credentials_of(admin))
    with pytest.raises(TracingUnavailable, match="more than one interpreter"):
        client.trace_allocations(duration=0.3)
    assert host.run("answer = tracemalloc.is_tracing()") is False
    run = opsctl("alloc", "trace", "--duration", 0.3, env=environment_of(host.address, admin))
    assert run.returncode == ExitCode.TRACING_UNAVAILABLE
    assert "after it has closed them" in " ".join(run.stderr.split())

    host.run("_interpreters.destroy(other)")
    assert not client.trace_allocations(duration=0.3).trailer.warnings
    host.assert_alive()


@pytest.mark.skipif(
    sys.version_info < (3, 13), reason="creating an interpreter while tracing ends the process"
)
def test_it_stops_at_once_when_another_interpreter_appears(
    start_host: StartHost, connect: Connect, admin: Identity
) -> None:
    host = start_host()
    host.run(INTERPRETERS + "import tracemalloc")
    request = allocations_pb2.TraceAllocationsRequest(duration=Duration(seconds=600))
    call = host.stub(admin).TraceAllocations(request, timeout=120)
    assert next(call).WhichOneof("part") == "header"
    host.run("other = _interpreters.create()")
    with pytest.raises(grpc.RpcError) as raised:
        list(call)
    assert status_of(raised.value).reason == "TRACING_UNAVAILABLE"
    assert host.run("answer = tracemalloc.is_tracing()") is False
    host.run("_interpreters.destroy(other)")
    host.assert_alive()
