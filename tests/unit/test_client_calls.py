"""What the client reads from a call that gRPC could not make."""

from __future__ import annotations

import socket

import grpc
import pytest
from fix_certs import Identity
from fix_client import credentials_of

from ops_client._sync.calls import Calls
from ops_client.errors import NothingListening


class Refused(grpc.RpcError):
    """A call in a state that gRPC can leave it in after a refused connection: with a status,
    but without initial metadata. A read of the metadata would wait forever."""

    def __iter__(self) -> Refused:
        return self

    def __next__(self) -> bytes:
        raise self

    def initial_metadata(self) -> None:
        raise AssertionError("this would not come back")

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return "failed to connect to all addresses"

    def trailing_metadata(self) -> tuple[()]:
        return ()

    def cancel(self) -> None: ...


def test_no_wait_for_what_does_not_come(admin: Identity) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    calls = Calls(f"127.0.0.1:{port}", credentials_of(admin), 5.0)
    hashes: list[str] = []
    with pytest.raises(NothingListening):
        list(calls.stream(lambda request, timeout: Refused(), None, 5.0, hashes.append))
    calls.close()
    assert hashes == []
