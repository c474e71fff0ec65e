"""The checks that every fault of the catalogue must pass, in addition to its own.

During a fault, the host's heartbeat may stop for at most a fork's pause and 100 ms
longer than that of an equal process without a port. At the end no child, descriptor,
thread or file may be left. If a fault ends the host, its heartbeat is read from a file,
and its children and files are looked up.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, uri
from fix_fault_table import Line
from fix_host import ADMIN, Host, StartHost
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from under_load import FACTS, files_of, resident_bytes, settled

from ops_service.v1 import heap_pb2
from ops_service.v1.maintenance_service_pb2_grpc import MaintenanceServiceStub

ALLOWED_GAP = 0.1

BALLAST = "ballast = [[i, str(i)] for i in range(600_000)]"
SUMMARY = heap_pb2.SummarizeHeapRequest(limit=1)

# Each channel opens its own connection, and shares none of this process.
ANEW = [("grpc.use_local_subchannel_pool", 1)]


@dataclass
class FaultHost:
    """A host under watch."""

    host: Host
    control: Host
    line: Line
    pause: float
    facts: list[int]
    channels: list[grpc.Channel] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.host, name)

    def note_pause(self, pause: Duration) -> None:
        """Record the pause of one of many forks, if it is the longest so far."""
        self.pause = max(self.pause, pause.ToNanoseconds() / 1e9)

    def wait_for_memory(self, below: int) -> None:
        """Wait until resident memory is below this: a flood's unread data is freed at once."""
        resident = "int(open('/proc/self/statm').read().split()[1])"
        self.host.wait_for(f"{resident} * {os.sysconf('SC_PAGE_SIZE')} < {below}", seconds=20)

    @contextmanager
    def probing(self, identity: Identity, limit: float = 1.0) -> Iterator[None]:
        """Request the port's health all the while. Each answer must come in time.

        One request goes over an existing connection, one over a connection made for it.
        """
        old = self.host.channel(identity)
        check_health(old)
        taken: dict[str, list[float]] = {"old": [], "anew": []}
        failures: list[Exception] = []
        stop = threading.Event()

        def probe() -> None:
            while not stop.is_set():
                try:
                    began = time.monotonic()
                    check_health(old)
                    between = time.monotonic()
                    with grpc.secure_channel(
                        self.host.address, identity.channel_credentials(), ANEW
                    ) as channel:
                        check_health(channel)
                    end = time.monotonic()
                except grpc.RpcError as error:
                    failures.append(error)
                    return
                taken["old"].append(between - began)
                taken["anew"].append(end - between)
                stop.wait(0.02)

        thread = threading.Thread(target=probe)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)
        assert failures == []
        assert taken["anew"]
        self.line.probe, self.line.fresh_probe = max(taken["old"]), max(taken["anew"])
        assert max(self.line.probe, self.line.fresh_probe) < limit, taken


def check_health(channel: grpc.Channel) -> None:
    HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)


@contextmanager
def under_watch(
    host: Host,
    control: Host,
    line: Line,
    pause: float,
    *,
    silent: bool = True,
    kept: str = "",
) -> Iterator[FaultHost]:
    """Watch a host, and run the checks that every fault must pass.

    Args:
        silent: Whether the host's standard error must stay empty. Alarms are written
            there if the host has not configured its logging.
        kept: A pattern of file names that may be new, such as whole snapshots.
    """
    before, files = settled(host), files_of(host)
    watched = FaultHost(host, control, line, pause, before)
    resident = resident_bytes(host.pid)
    for each in (host, control):
        each.largest_gap(), each.largest_wait(), each.gap_percentile()
    yield watched
    line.gap, line.control_gap = host.largest_gap(), control.largest_gap()
    line.control_wait = control.largest_wait()
    line.percentiles = (host.gap_percentile(), control.gap_percentile())
    line.resident = (resident, resident_bytes(host.pid))
    for channel in host._channels:
        channel.close()
    host._channels.clear()
    # Connections' descriptors close once the host notices that the peers are gone.
    left, new = before, []

    def is_as_before() -> bool:
        nonlocal left, new
        left, new = host.run(FACTS), new_files(host, files, kept)
        return not new and all(now <= then for now, then in zip(left, before, strict=True))

    eventually(
        is_as_before,
        lambda: f"descriptors, children, threads: {before} -> {left}; files: {new}",
        within=30,
    )
    host.assert_alive()
    if silent:
        host.assert_printed_nothing()
    assert_gap(line, watched.pause)


def assert_gap(line: Line, pause: float) -> None:
    assert line.gap is not None
    # If CPU is short, the two processes stop at different times. The gap does not count
    # the time that a heartbeat, or a thread of the application, waits for a processor. But
    # these may wait for a thread of the port or of gRPC that itself waits for a processor. On
    # a quiet machine the control waits for a few milliseconds.
    assert line.gap < pause + ALLOWED_GAP + 2 * line.control_wait


def new_files(host: Host, before: set[str], kept: str) -> list[str]:
    new = sorted(files_of(host) - before)
    return [each for each in new if not (kept and re.search(kept, Path(each).name))]


@contextmanager
def under_watch_to_its_end(
    host: Host, control: Host, line: Line, pause: float, *, kept: str = ""
) -> Iterator[None]:
    """Watch a host that ends in the block.

    Args:
        kept: As in `under_watch`: files that a killed process could not remove.
    """
    line.notes.append(
        "the host ends, so its heartbeat is that until then, its RSS after is none, and no "
        "descriptors or threads are counted"
    )
    files, resident = files_of(host), resident_bytes(host.pid)
    for each in (host, control):
        each.largest_gap(), each.largest_wait(), each.gap_percentile()
    yield
    assert host.process.poll() is not None
    line.control_gap, line.control_wait = control.largest_gap(), control.largest_wait()
    line.gap, below = host.recorded_gaps()
    line.percentiles = (below, control.gap_percentile())
    line.resident = (resident, 0)
    # A walking child has the host's memory, and so its environment.
    eventually(
        lambda: not processes_of(host),
        lambda: f"processes are left: {processes_of(host)}",
        within=30,
    )
    assert new_files(host, files, kept) == []
    host.assert_printed_nothing()
    assert_gap(line, pause)


def processes_of(host: Host) -> list[int]:
    """Processes with a host's environment: the host, and its children."""
    mark = f"TMPDIR={host.temporary_files}\0".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes():
                found.append(int(path.parent.name))
    return found


@pytest.fixture(scope="session")
def denied(authority: CertificateAuthority) -> Identity:
    """A caller whose serial number is denied."""
    return authority.issue("denied", uri(ADMIN))


@pytest.fixture(scope="session")
def revoked(authority: CertificateAuthority) -> Identity:
    """A caller whose certificate is in the authority's revocation list."""
    return authority.issue("revoked", uri(ADMIN))


@pytest.fixture(scope="module")
def control(start_shared_host: StartHost) -> Host:
    """The same application without a port, on the same machine at the same time."""
    return start_shared_host(serve=False)


@pytest.fixture(scope="module")
def shared(
    start_shared_host: StartHost,
    authority: CertificateAuthority,
    denied: Identity,
    revoked: Identity,
    admin: Identity,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Host, float]:
    """A host for faults that do not change it, and the pause of a fork of it."""
    crl = tmp_path_factory.mktemp("revocation") / "ca.crl"
    crl.write_bytes(authority.revocation_list(revoked.serial))
    host = start_shared_host(
        # Without this, gRPC writes a line for each failed handshake.
        environment={"GRPC_VERBOSITY": "NONE"},
        revocation={"denied_serials": [f"{denied.serial:x}"], "crl": str(crl)},
        limits={"stall_seconds": 2.0, "request_seconds": 2.0},
    )
    return host, measured_pause(host, admin)


def measured_pause(host: Host, identity: Identity, channel: grpc.Channel | None = None) -> float:
    """The pause of a fork of a host, in seconds: the longest of three."""
    pauses = []
    for _ in range(3):
        stub = MaintenanceServiceStub(channel or host.channel(identity))
        reply = stub.SummarizeHeap(heap_pb2.SummarizeHeapRequest(), timeout=120)
        pauses.append(reply.clone_pause.ToNanoseconds() / 1e9)
    for each in host._channels:
        each.close()
    host._channels.clear()
    return max(pauses)


@pytest.fixture
def fault(shared: tuple[Host, float], control: Host, line: Line) -> Iterator[FaultHost]:
    """The shared host, under watch for one fault."""
    with under_watch(shared[0], control, line, shared[1]) as watched:
        yield watched
