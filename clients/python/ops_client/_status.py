"""Map the status of a failed call to an exception, in one table."""

from __future__ import annotations

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from ops_client import errors
from ops_client.errors import CallFailed

DOMAIN = "ops_service"
_TRAILER = "grpc-status-details-bin"

# ErrorInfo.reason of the service -> exception of the client.
REASONS: dict[str, type[CallFailed]] = {
    "INTERNAL": CallFailed,
    "UNAUTHENTICATED": errors.Unauthenticated,
    "CERTIFICATE_OUT_OF_DATE": errors.CertificateOutOfDate,
    "PERMISSION_DENIED": errors.PermissionDenied,
    "INVALID_REQUEST": errors.InvalidRequest,
    "WRONG_PROCESS": errors.WrongProcess,
    "UNKNOWN_METHOD": errors.UnknownMethod,
    "REQUEST_TOO_LARGE": errors.RequestTooLarge,
    "STREAM_STALLED": errors.StreamStalled,
    "BUSY": errors.Busy,
    "ENGINE_UNAVAILABLE": errors.EngineUnavailable,
    "CLONE_REFUSED": errors.CloneRefused,
    "INSUFFICIENT_MEMORY": errors.InsufficientMemory,
    "PAUSE_OVER_BUDGET": errors.PauseOverBudget,
    "OBJECT_NOT_FOUND": errors.NoSuchObject,
    "GC_MOMENT_MISSED": errors.GcMomentMissed,
    "WALK_FAILED": errors.WalkFailed,
    "WALK_TIMEOUT": errors.WalkTimeout,
    "CANCELLED": errors.Cancelled,
    "NO_SUCH_OPERATION": errors.NoSuchOperation,
    "OPERATION_UNAVAILABLE": errors.OperationUnavailable,
    "TRACING_UNAVAILABLE": errors.TracingUnavailable,
    "EVALUATION_DISABLED": errors.EvaluationDisabled,
    "STORE_DISABLED": errors.StoreDisabled,
    "SNAPSHOT_NOT_FOUND": errors.SnapshotNotFound,
    "WATCH_DISABLED": errors.WatchDisabled,
    "HISTORY_NOT_FOUND": errors.HistoryNotFound,
    "STORE_FULL": errors.StoreFull,
    "STORE_UNWRITABLE": errors.StoreUnwritable,
    "STORE_DAMAGED": errors.StoreDamaged,
    "SESSION_NOT_FOUND": errors.SessionNotFound,
    "PLACE_UNAVAILABLE": errors.PlaceUnavailable,
    "AUDIT_UNAVAILABLE": errors.AuditUnavailable,
}

# For answers without the service's ErrorInfo: they come from gRPC itself or a proxy.
_CODES: dict[grpc.StatusCode, type[CallFailed]] = {
    grpc.StatusCode.UNAUTHENTICATED: errors.Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDenied,
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequest,
    grpc.StatusCode.UNIMPLEMENTED: errors.UnknownMethod,
    grpc.StatusCode.CANCELLED: errors.Cancelled,
}


def is_answer(error: grpc.Call) -> bool:
    """Whether a failed call got an answer, rather than a lost connection or a timeout."""
    if _status_of(error) is not None:
        return True
    return error.code() not in (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    )


def call_failed(error: grpc.Call) -> CallFailed:
    """Return the exception for a call that was answered with an error."""
    code = error.code()
    reason = ""
    details: dict[str, str] = {}
    retry_after: float | None = None
    kind = _CODES.get(code, CallFailed)
    message = error.details() or f"The call failed with {code.name}."
    status = _status_of(error)
    if status is None and _is_too_large(code, message):
        kind = errors.RequestTooLarge
    if status is not None:
        info = error_details_pb2.ErrorInfo()
        retry = error_details_pb2.RetryInfo()
        for detail in status.details:
            if detail.Is(info.DESCRIPTOR):
                detail.Unpack(info)
            elif detail.Is(retry.DESCRIPTOR):
                detail.Unpack(retry)
                delay = retry.retry_delay
                retry_after = delay.seconds + delay.nanos / 1e9
        if info.domain == DOMAIN:
            reason, details = info.reason, dict(info.metadata)
            kind = REASONS.get(reason, kind)
    return kind(message, code=code.name, reason=reason, retry_after=retry_after, details=details)


def _is_too_large(code: grpc.StatusCode, message: str) -> bool:
    """Whether gRPC refused a request for its size, on either side."""
    return (
        code is grpc.StatusCode.RESOURCE_EXHAUSTED
        and "larger than max" in message
        and not message.startswith("CLIENT: Received")
    )


def _status_of(error: grpc.Call) -> status_pb2.Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == _TRAILER:
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None
