"""What each fault of the catalogue is held to, beside its own outcome.

While a fault is tried, the host's heartbeat may not stop for longer than a fork
takes and 100 ms, beyond what stops an equal process without a port; and at the
end no child, descriptor or thread may be left.
"""

from __future__ import annotations

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
from fix_certs import CertificateAuthority, Identity, uri
from fix_host import ADMIN, Host, StartHost
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from ops_service.v1 import heap_pb2

# All but 56 and 57, which wait for approvals.
CATALOGUE = 56
ALLOWED_GAP = 0.1

FACTS = (
    "import os, threading\n"
    "answer = [len(os.listdir('/proc/self/fd')), len(children()),"
    " len([t for t in threading.enumerate() if t.name.startswith('ops_service')])]"
)


@dataclass
class Line:
    """One line of the table."""

    outcome: str = ""
    gap: float | None = None
    control_gap: float = 0.0
    percentiles: tuple[float, float] = (0.0, 0.0)
    """What 99 % of the gaps stayed below, with a port and without."""
    resident: tuple[int, int] = (0, 0)
    probe: float | None = None


LINES: dict[str, Line] = {}


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


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

    def wait_for_memory(self, below: int) -> None:
        """Wait until so much is resident at most: what a flood left unread goes at once."""
        resident = "int(open('/proc/self/statm').read().split()[1])"
        self.host.wait_for(f"{resident} * {os.sysconf('SC_PAGE_SIZE')} < {below}", seconds=20)

    @contextmanager
    def probing(self, identity: Identity, limit: float = 1.0) -> Iterator[None]:
        """Ask for the health of the port all the while; each answer must come in time."""
        taken: list[float] = []
        failures: list[Exception] = []
        stop = threading.Event()
        stub = HealthStub(self.host.channel(identity))
        stub.Check(health_pb2.HealthCheckRequest(), timeout=30)

        def probe() -> None:
            while not stop.is_set():
                began = time.monotonic()
                try:
                    stub.Check(health_pb2.HealthCheckRequest(), timeout=30)
                except grpc.RpcError as error:
                    failures.append(error)
                    return
                taken.append(time.monotonic() - began)
                stop.wait(0.02)

        thread = threading.Thread(target=probe)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)
        assert failures == []
        assert taken
        self.line.probe = max(taken)
        assert max(taken) < limit


def settled(host: Host) -> list[int]:
    """Descriptors, children and threads of a host, once they do not change any more."""
    last: list[int] = []
    while (now := host.run(FACTS)) != last:
        last = now
        host.run("import time; time.sleep(0.2)")
    return last


@contextmanager
def under_watch(
    host: Host, control: Host, line: Line, pause: float, *, silent: bool = True
) -> Iterator[FaultHost]:
    """Watch a host, and hold it to what every fault is held to.

    Args:
        silent: Whether nothing may be written to the host's standard error. Alarms are,
            where the host has not configured its logging.
    """
    before = settled(host)
    watched = FaultHost(host, control, line, pause, before)
    resident = resident_bytes(host.pid)
    for each in (host, control):
        each.largest_gap(), each.gap_percentile()
    yield watched
    line.gap, line.control_gap = host.largest_gap(), control.largest_gap()
    line.percentiles = (host.gap_percentile(), control.gap_percentile())
    line.resident = (resident, resident_bytes(host.pid))
    for channel in host._channels:
        channel.close()
    host._channels.clear()
    # Descriptors of connections close when their peers are heard to be gone.
    limit = time.monotonic() + 30
    while True:
        left = host.run(FACTS)
        if all(now <= then for now, then in zip(left, before, strict=True)):
            break
        assert time.monotonic() < limit, f"descriptors, children, threads: {before} -> {left}"
        time.sleep(0.02)
    host.assert_alive()
    if silent:
        host.assert_printed_nothing()
    # A machine that is short of CPU stops the two at different times: not counted is how
    # long a heartbeat itself waits for a processor, but it may wait for a thread that does.
    # On a quiet one the control's gap is a few milliseconds.
    assert line.gap < pause + ALLOWED_GAP + 2 * line.control_gap


@pytest.fixture(scope="session")
def denied(authority: CertificateAuthority) -> Identity:
    """Whose serial number is denied."""
    return authority.issue("denied", uri(ADMIN))


@pytest.fixture(scope="module")
def control(start_shared_host: StartHost) -> Host:
    """The same application without a port, on the same machine at the same time."""
    return start_shared_host(serve=False)


@pytest.fixture(scope="module")
def shared(start_shared_host: StartHost, denied: Identity, admin: Identity) -> tuple[Host, float]:
    """A host for the faults that leave it as it was, and the pause of a fork of it."""
    from cryptography import x509

    loaded = x509.load_pem_x509_certificate(denied.certificate.read_bytes())
    host = start_shared_host(
        # gRPC writes a line for each handshake that fails, unless the host says so.
        environment={"GRPC_VERBOSITY": "NONE"},
        revocation={"denied_serials": [f"{loaded.serial_number:x}"]},
        limits={"stall_seconds": 2.0, "request_seconds": 2.0},
    )
    return host, measured_pause(host, admin)


def measured_pause(host: Host, admin: Identity) -> float:
    """The pause of a fork of a host, in seconds, the longest of three."""
    pauses = []
    for _ in range(3):
        reply = host.stub(admin).SummarizeHeap(heap_pb2.SummarizeHeapRequest(), timeout=120)
        pauses.append(reply.clone_pause.ToNanoseconds() / 1e9)
    for channel in host._channels:
        channel.close()
    host._channels.clear()
    return max(pauses)


@pytest.fixture
def line(request: pytest.FixtureRequest) -> Line:
    """The line of the running test in the table."""
    return LINES.setdefault(request.node.name, Line())


@pytest.fixture
def fault(shared: tuple[Host, float], control: Host, line: Line) -> Iterator[FaultHost]:
    """The shared host, under watch for one fault."""
    with under_watch(shared[0], control, line, shared[1]) as watched:
        yield watched


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    if "tests/faults/" not in item.nodeid:
        return
    line = LINES.setdefault(item.name, Line())
    if report.failed:
        line.outcome = "FAILED"
    elif report.skipped:
        line.outcome = "skipped"
    elif report.when == "call" and line.outcome != "FAILED":
        line.outcome = "passed"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table of faults, if any were tried."""
    if not LINES:
        return
    terminalreporter.section("faults")
    ran: dict[int, set[str]] = {}
    gaps = []
    terminalreporter.line(
        f"{'fault':<52} {'outcome':<8} {'gap ms':>7} {'control':>7} {'p99 ms':>7} {'control':>7} "
        f"{'RSS MiB':>11} {'probe ms':>9}"
    )
    for name, line in sorted(LINES.items()):
        numbers = re.findall(r"_(\d\d)(?=_)", name)
        title = name.removeprefix(f"test_{numbers[0]}_").replace("_", " ")
        for number in numbers:
            ran.setdefault(int(number), set()).add(line.outcome)
        gap = control = resident = probe = middle = control_middle = ""
        if line.gap is not None:
            gaps.append(line.gap)
            gap, control = f"{line.gap * 1e3:.0f}", f"{line.control_gap * 1e3:.0f}"
            middle, control_middle = (f"{each * 1e3:.1f}" for each in line.percentiles)
            resident = " -> ".join(f"{each / 2**20:.0f}" for each in line.resident)
        if line.probe is not None:
            probe = f"{line.probe * 1e3:.0f}"
        terminalreporter.line(
            f"{numbers[0]:>2} {title[:49]:<49} {line.outcome:<8} {gap:>7} {control:>7} {middle:>7} "
            f"{control_middle:>7} {resident:>11} {probe:>9}"
        )
    tried = {number for number, outcomes in ran.items() if outcomes - {"skipped", ""}}
    passed = {number for number in tried if ran[number] <= {"passed", "skipped"}}
    terminalreporter.line(
        f"{len(passed)} passed of {len(tried)} run, of {CATALOGUE} in the catalogue"
        + (f"; largest gap of a heartbeat {max(gaps) * 1e3:.0f} ms" if gaps else "")
    )
