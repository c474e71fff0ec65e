"""Streams that stay open, to check if they survive what a test does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc
import pytest
from fix_certs import Identity
from fix_host import Host
from fix_status import status_of

from ops_service.v1 import growth_pb2


def watch(host: Host, identity: Identity) -> Any:
    """An open stream with ten reports a second. Waits while the port is closed for a fork."""
    request = growth_pb2.WatchHeapGrowthRequest(
        interval={"nanos": 100_000_000}, duration={"seconds": 3600}
    )
    stream = host.stub(identity).WatchHeapGrowth(request, timeout=600, wait_for_ready=True)
    assert next(stream).WhichOneof("part") == "header"
    return stream


def goes_on(stream: Any) -> bool:
    """Whether a stream still sends new reports. Buffered reports are read first."""
    return all(next(stream).WhichOneof("part") == "report" for _ in range(2))


def error_of(stream: Iterable[Any]) -> grpc.RpcError:
    """Read a stream to its end, which must be an error."""
    with pytest.raises(grpc.RpcError) as raised:
        for _ in stream:
            pass
    return raised.value


def why_it_ended(stream: Iterable[Any]) -> Any:
    """Read a stream to its end, which must be a refusal. Return its status."""
    return status_of(error_of(stream))
