"""A port that closes and opens again and again: no call of a client waits forever."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from fix_certs import CertificateAuthority, Identity
from fix_client import credentials_of

from ops_client._sync.calls import Calls

CALLERS = 6
SECONDS = 25.0
CALL_SECONDS = 3.0

# gRPC alone, because it opens its port a dozen times as often as ours does for forks.
SERVER = """
import asyncio, random, sys, grpc

key, certificate, ca = (open(name, "rb").read() for name in sys.argv[1:])

async def replies(request, context):
    for _ in range(3):
        yield bytes(100)
        await asyncio.sleep(0.005)

class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_stream_rpc_method_handler(replies)

async def main():
    port = 0
    credentials = grpc.ssl_server_credentials([(key, certificate)], ca, True)
    while True:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers([Handler()])
        bound = server.add_secure_port(f"127.0.0.1:{port}", credentials)
        if not port:
            port = bound
            print(port, flush=True)
        await server.start()
        await asyncio.sleep(random.uniform(0.02, 0.3))
        await server.stop(0)
        await asyncio.sleep(random.uniform(0, 0.05))

asyncio.run(main())
"""


@pytest.fixture
def address(authority: CertificateAuthority) -> Iterator[str]:
    identity = authority.issue_server("reopened")
    files: list[Path] = [identity.private_key, identity.certificate, identity.ca]
    command = [sys.executable, "-c", SERVER, *map(str, files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"127.0.0.1:{int(process.stdout.readline())}"
        process.kill()


@pytest.mark.long
def test_no_call_waits_for_ever(address: str, admin: Identity) -> None:
    refused: list[int] = []
    answered: list[int] = []

    def call(number: int) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            calls = Calls(address, credentials_of(admin), CALL_SECONDS)
            method = calls.channel.unary_stream("/ops.Test/Replies")
            for _ in range(5):
                try:
                    answered.append(len(list(method(b"", timeout=CALL_SECONDS))))
                except grpc.RpcError:
                    refused.append(number)
                time.sleep(0.002)
            calls.close()

    callers = [threading.Thread(target=call, args=(n,), daemon=True) for n in range(CALLERS)]
    for caller in callers:
        caller.start()
    deadline = time.monotonic() + SECONDS + 15 * CALL_SECONDS
    for caller in callers:
        caller.join(deadline - time.monotonic())
    assert not [caller.name for caller in callers if caller.is_alive()]
    assert refused
    assert answered
