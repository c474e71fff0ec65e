"""Bounds on what a caller can use: calls a second, connections, memory."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from eventually import eventually
from fix_certs import CertificateAuthority, Identity, uri
from fix_client import credentials_of
from fix_host import Host, StartHost
from fix_http2 import Http2, connect_tls
from fix_status import Status, status_of
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from ops_client import MaintenanceClient
from ops_client.errors import Busy
from ops_service.v1 import loggers_pb2, process_pb2

CHECK = health_pb2.HealthCheckRequest()
PRINCIPAL = process_pb2.GetPrincipalRequest()


def refused(call: Callable[[], Any]) -> Status | None:
    """The status that refused a call, or None if it was not refused."""
    try:
        call()
    except grpc.RpcError as error:
        return status_of(error)
    return None


def test_calls_a_second(
    start_host: StartHost, admin: Identity, viewer: Identity, authority: CertificateAuthority
) -> None:
    # One call, and then one in five seconds.
    host = start_host(limits={"calls_per_second": 0.2})
    stranger = authority.issue("fast", uri("spiffe://test.example/fast"))
    stub = host.stub(admin)
    stub.GetPrincipal(PRINCIPAL, timeout=60)
    statuses = [refused(lambda: stub.GetPrincipal(PRINCIPAL, timeout=60)) for _ in range(100)]
    found = [each for each in statuses if each is not None]
    assert len(found) > 90
    assert {(each.code, each.reason) for each in found} == {
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "BUSY")
    }
    assert "0.2 calls a second" in found[-1].message
    assert found[-1].retry_delay is not None
    assert 0 < found[-1].retry_delay <= 5.0

    # This does not reduce the rate of other callers, or of the same caller's probes.
    assert host.stub(viewer).GetPrincipal(PRINCIPAL, timeout=60).process.pid == host.pid
    assert HealthStub(host.channel(admin)).Check(CHECK, timeout=60).status
    # The same limit applies to callers without a grant.
    anybody = host.stub(stranger)
    codes = [
        refused(lambda: anybody.GetProcess(process_pb2.GetProcessRequest(), timeout=60))
        for _ in range(3)
    ]
    assert [each.code for each in codes if each] == [
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    ]

    # One record a second says how many calls were refused.
    records = [each for each in host.audit_records() if each.get("reason") == "BUSY"]
    assert len(records) < 20
    assert all(each["event"] == "refused" and each["calls"] >= 1 for each in records)

    with MaintenanceClient(host.address, credentials_of(admin)) as client:

        def pid() -> int:
            with contextlib.suppress(Busy):
                return client.get_principal().process.pid
            return 0

        assert eventually(pid, pause=0.2) == host.pid


def is_closed(connection: socket.socket, seconds: float = 30.0) -> bool:
    """Whether the port hangs up within this time."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def test_connections(start_host: StartHost, admin: Identity) -> None:
    host = start_host(limits={"connections": 5}, environment={"GRPC_VERBOSITY": "NONE"})
    descriptors = "answer = len(os.listdir('/proc/self/fd'))"
    before = host.run(f"import os; {descriptors}")
    held = [connect_tls(host.address, admin) for _ in range(3)]
    name, _, port = host.address.rpartition(":")
    # Silent connections count too.
    silent = [socket.create_connection((name, int(port)), 60) for _ in range(40)]
    host.wait_for(f"len(os.listdir('/proc/self/fd')) <= {before + 5}")
    # All but two are closed at once. These two close when no handshake arrives.
    assert all(is_closed(each) for each in silent)
    for each in silent:
        each.close()
    assert host.stub(admin).GetPrincipal(PRINCIPAL, timeout=60).process.pid == host.pid
    for connection in held:
        connection.close()
    host.assert_alive()


def test_connections_without_a_call_are_closed(start_host: StartHost, admin: Identity) -> None:
    host = start_host(limits={"idle_seconds": 1})
    client = Http2(host.address, admin)
    assert client.outcome(client.request(b"/ops_service.v1.MaintenanceService/GetPrincipal"))
    assert is_closed(client.socket)
    client.close()


def test_probes_of_one_caller_leave_room_for_others(
    host: Host, admin: Identity, viewer: Identity
) -> None:
    watching = HealthStub(host.channel(admin))
    watches = [watching.Watch(CHECK, timeout=120) for _ in range(8)]
    for each in watches:
        assert next(each).status == health_pb2.HealthCheckResponse.SERVING
    found = refused(lambda: watching.Check(CHECK, timeout=60))
    assert found is not None
    assert found.reason == "BUSY"
    assert HealthStub(host.channel(viewer)).Check(CHECK, timeout=60).status
    for each in watches:
        each.cancel()


def test_changes_of_a_level_leave_one_timer(host: Host, admin: Identity) -> None:
    host.run("import logging; logging.getLogger('shop')")
    stub = host.stub(admin)
    before = host.run("answer = len(service._loop._scheduled)")
    for level in ["DEBUG", "INFO"] * 100:
        request = loggers_pb2.SetLogLevelRequest(logger="shop", level=level)
        request.restore_after.seconds = 3600
        stub.SetLogLevel(request, timeout=60)
    # asyncio drops cancelled timers once there are a hundred of them.
    assert host.run("answer = len(service._loop._scheduled)") - before < 150
    assert host.run("answer = len(service._parts.handlers.loggers._restore_timers)") == 1
    stub.SetLogLevel(loggers_pb2.SetLogLevelRequest(logger="shop"), timeout=60)
    assert host.run("answer = logging.getLogger('shop').level") == 0


def test_long_texts_are_cut_in_records(host: Host, viewer: Identity) -> None:
    host.stub(viewer).ListLoggers(loggers_pb2.ListLoggersRequest(prefix="x" * 2**20), timeout=60)
    begin, _ = host.wait_for_last_call("ListLoggers")
    assert begin["request"]["prefix"].startswith("xxx")
    assert "1048576 characters, SHA-256 " in begin["request"]["prefix"]
    assert len(begin["request"]["prefix"]) < 5000


@pytest.mark.parametrize("key", ["connections", "calls_per_second", "idle_seconds"])
def test_limits_that_make_no_sense(start_host: StartHost, key: str) -> None:
    host = start_host(serve=False, limits={key: 0})
    with pytest.raises(Exception, match=rf"limits\.{key} is 0(\.0)?; choose from"):
        host.start_service()
