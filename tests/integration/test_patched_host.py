"""A host that patches logging and modules that the port uses too."""

from __future__ import annotations

import grpc
import pytest
from fix_certs import Identity
from fix_host import Host, StartHost

from ops_service.v1 import process_pb2

SECRET = "password=hunter2"

FILTER = f"""
import logging, platform
def refuse(record): raise SystemExit({SECRET!r})
def fail(): raise ValueError({SECRET!r})
log = logging.getLogger("ops_service")
log.addFilter(refuse)
kept, platform.python_version = platform.python_version, fail
"""

TOKENS = f"""
import secrets
def fail(length): raise ValueError({SECRET!r})
kept, secrets.token_hex = secrets.token_hex, fail
"""


def refusal(host: Host, identity: Identity) -> str:
    """The caller's error message if GetProcess fails in an unforeseen way."""
    with pytest.raises(grpc.RpcError) as raised:
        host.stub(identity).GetProcess(process_pb2.GetProcessRequest(), timeout=60)
    assert raised.value.code() == grpc.StatusCode.INTERNAL
    assert SECRET not in str(raised.value)
    return str(raised.value.details())


def test_no_text_leaves_whatever_the_application_has_replaced(
    start_host: StartHost, viewer: Identity
) -> None:
    host = start_host()
    host.run(FILTER)
    assert "in an unexpected way" in refusal(host, viewer)
    host.run("platform.python_version = kept; log.removeFilter(refuse)")
    host.run(TOKENS)
    assert "in an unexpected way" in refusal(host, viewer)
    host.run("secrets.token_hex = kept")
    # The same port, over the same connections.
    reply = host.stub(viewer).GetProcess(process_pb2.GetProcessRequest(), timeout=60)
    assert reply.process.instance_id == host.instance_id
    assert "gRPC's server ended" not in host.output_file.read_text()
    host.assert_alive()
