"""GetPrincipal and GetProcess over the wire."""

from __future__ import annotations

import platform

from fix_certs import Identity
from fix_host import ADMIN, Host

from ops_service.v1 import annotations_pb2, process_pb2


def test_principal_is_told(host: Host, admin: Identity) -> None:
    reply = host.stub(admin).GetPrincipal(process_pb2.GetPrincipalRequest(), timeout=120)
    assert reply.principal == ADMIN
    assert reply.principal_problem == ""
    assert list(reply.presented_names) == [f"uri:{ADMIN}"]
    assert list(reply.capabilities) == [
        annotations_pb2.CAPABILITY_AUTHENTICATED,
        annotations_pb2.CAPABILITY_INSPECT,
        annotations_pb2.CAPABILITY_READ_HEAP,
        annotations_pb2.CAPABILITY_READ_CONTENT,
        annotations_pb2.CAPABILITY_OPERATE,
        annotations_pb2.CAPABILITY_EVALUATE,
    ]


def test_process_tells_the_hosts_own_facts(host: Host, viewer: Identity) -> None:
    facts = host.run(
        "import gc, threading\n"
        "answer = {'threads': threading.active_count(), 'thresholds': gc.get_threshold()}"
    )
    reply = host.stub(viewer).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    assert reply.process.instance_id == host.instance_id
    assert reply.process.pid == host.pid
    assert reply.python_version == platform.python_version()
    assert reply.thread_count == facts["threads"]
    assert list(reply.garbage_collector.generation_thresholds) == facts["thresholds"]
    assert 1 << 20 < reply.resident_bytes < 1 << 32
    assert reply.service_uptime.ToNanoseconds() <= reply.uptime.ToNanoseconds() + 10**7
    assert 0 < reply.uptime.ToSeconds() < 600 or reply.uptime.nanos > 0
