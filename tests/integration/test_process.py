"""GetPrincipal and GetProcess over the wire."""

from __future__ import annotations

import platform
from importlib.metadata import version

from fix_certs import Identity
from fix_host import ADMIN, Host, StartHost

import ops_service
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
        "import gc, os, threading\n"
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
    assert [each.name for each in reply.environment] == sorted(host.run("answer = [*os.environ]"))
    assert not any(each.HasField("value") for each in (*reply.environment, *reply.arguments))
    places = host.run("import sys\nanswer = [str(place) for place in range(len(sys.orig_argv))]")
    assert [each.name for each in reply.arguments] == places
    assert 0 < reply.uptime.ToSeconds() < 600 or reply.uptime.nanos > 0


def test_a_process_that_can_open_no_file(host: Host, viewer: Identity) -> None:
    # Connect first. The service has not read any of the answer's facts yet.
    stub = host.stub(viewer)
    stub.GetPrincipal(process_pb2.GetPrincipalRequest(), timeout=120)
    host.run(
        "import os, resource\n"
        "limit = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (0, limit[1]))"
    )
    try:
        reply = stub.GetProcess(process_pb2.GetProcessRequest(), timeout=120)
        assert reply.process.pid == host.pid
    finally:
        host.run("resource.setrlimit(resource.RLIMIT_NOFILE, limit)")
    assert stub.GetProcess(process_pb2.GetProcessRequest(), timeout=120).snapshot_engine.available


def test_values_are_told_of_names_that_are_listed(start_host: StartHost, viewer: Identity) -> None:
    host = start_host(
        environment={"SHOP_REGION": "north", "SHOP_PASSWORD": "hunter2"},
        process={"shown_environment": ["SHOP_REGION", "ABSENT"], "shown_arguments": ["1", "--k"]},
    )
    host.run("import sys\nsys.orig_argv += ['--k=v', '--secret', 'hunter2', '-x', '--y']")
    reply = host.stub(viewer).GetProcess(process_pb2.GetProcessRequest(), timeout=120)
    values = {each.name: each.value for each in reply.environment if each.HasField("value")}
    assert values == {"SHOP_REGION": "north"}
    assert {"SHOP_PASSWORD", "PATH"} <= {each.name for each in reply.environment}
    shown = [
        (each.name, each.value if each.HasField("value") else None) for each in reply.arguments
    ]
    assert shown[1][1].endswith("host_process.py")
    assert shown[-4:] == [("--k", "v"), ("--secret", None), ("-x", None), ("--y", None)]
    assert "hunter2" not in str(reply)


def test_a_host_without_metadata_of_the_distribution(
    start_host: StartHost, admin: Identity
) -> None:
    host = start_host(serve=False)
    # As if the package is vendored, zipped or frozen.
    host.run(
        "import importlib.metadata as metadata\n"
        "known = metadata.distribution\n"
        "def distribution(name):\n"
        "    if name.startswith('ops'): raise metadata.PackageNotFoundError(name)\n"
        "    return known(name)\n"
        "metadata.distribution = distribution"
    )
    host.start_service()
    reply = host.stub(admin).GetProcess(process_pb2.GetProcessRequest(), timeout=60)
    assert reply.service_version == ops_service.__version__


def test_the_distribution_has_the_version_of_the_package() -> None:
    assert version("ops-service") == ops_service.__version__
