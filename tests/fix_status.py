"""Read google.rpc.Status from a failed call."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2


@dataclass(frozen=True)
class Status:
    """The parts of a failed call's status."""

    code: grpc.StatusCode
    message: str
    reason: str
    details: dict[str, str]
    retry_delay: float | None


def status_of(error: grpc.RpcError) -> Status:
    """The status of a call that the service itself refused or failed."""
    trailers = dict(error.trailing_metadata() or ())
    assert "grpc-status-details-bin" in trailers, f"no details with {error}"
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    assert status.message == error.details()
    info = error_details_pb2.ErrorInfo()
    retry = error_details_pb2.RetryInfo()
    delay = None
    for detail in status.details:
        if detail.Unpack(retry):
            delay = retry.retry_delay.ToNanoseconds() / 1e9
        else:
            assert detail.Unpack(info)
    assert info.domain == "ops_service"
    return Status(error.code(), status.message, info.reason, dict(info.metadata), delay)
