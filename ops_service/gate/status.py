"""The table that maps exceptions to google.rpc.Status."""

from __future__ import annotations

from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from ops_service import errors

DOMAIN = "ops_service"
"""``ErrorInfo.domain`` of every status."""

TRAILER = "grpc-status-details-bin"
"""Key of the trailing metadata that carries the status, as gRPC defines it."""

CODES: dict[type[errors.OpsServiceError], StatusCode] = {
    errors.OpsServiceError: StatusCode.INTERNAL,
    errors.ConfigurationError: StatusCode.FAILED_PRECONDITION,
    errors.StartError: StatusCode.FAILED_PRECONDITION,
    errors.Unauthenticated: StatusCode.UNAUTHENTICATED,
    errors.CertificateOutOfDate: StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: StatusCode.PERMISSION_DENIED,
    errors.InvalidRequest: StatusCode.INVALID_ARGUMENT,
    errors.WrongProcess: StatusCode.ABORTED,
    errors.UnknownMethod: StatusCode.UNIMPLEMENTED,
    errors.RequestTooLarge: StatusCode.RESOURCE_EXHAUSTED,
    errors.StreamStalled: StatusCode.ABORTED,
    errors.Busy: StatusCode.RESOURCE_EXHAUSTED,
    errors.EngineUnavailable: StatusCode.FAILED_PRECONDITION,
    errors.CloneRefused: StatusCode.FAILED_PRECONDITION,
    errors.InsufficientMemory: StatusCode.RESOURCE_EXHAUSTED,
    errors.PauseOverBudget: StatusCode.FAILED_PRECONDITION,
    errors.ObjectNotFound: StatusCode.NOT_FOUND,
    errors.GcMomentMissed: StatusCode.DEADLINE_EXCEEDED,
    errors.WalkFailed: StatusCode.INTERNAL,
    errors.WalkTimeout: StatusCode.DEADLINE_EXCEEDED,
    errors.Cancelled: StatusCode.CANCELLED,
    errors.NoSuchOperation: StatusCode.NOT_FOUND,
    errors.OperationUnavailable: StatusCode.FAILED_PRECONDITION,
    errors.TracingUnavailable: StatusCode.FAILED_PRECONDITION,
    errors.EvaluationDisabled: StatusCode.FAILED_PRECONDITION,
    errors.StoreDisabled: StatusCode.FAILED_PRECONDITION,
    errors.SnapshotNotFound: StatusCode.NOT_FOUND,
    errors.WatchDisabled: StatusCode.FAILED_PRECONDITION,
    errors.HistoryNotFound: StatusCode.NOT_FOUND,
    errors.StoreFull: StatusCode.RESOURCE_EXHAUSTED,
    errors.StoreUnwritable: StatusCode.FAILED_PRECONDITION,
    errors.StoreDamaged: StatusCode.DATA_LOSS,
    errors.SessionNotFound: StatusCode.NOT_FOUND,
    errors.PlaceUnavailable: StatusCode.FAILED_PRECONDITION,
    errors.AuditUnavailable: StatusCode.UNAVAILABLE,
}


def to_status(error: BaseException, reference: str) -> tuple[StatusCode, status_pb2.Status]:
    """Translate an exception to a status.

    The text of an exception from outside the service stays in the process, since it may
    contain any data of the application.

    Args:
        error: The exception.
        reference: Id of the call's audit records, which hold more detail.
    """
    details = {"reference": reference}
    retry_after: float | None = None
    if isinstance(error, errors.OpsServiceError):
        code = CODES[type(error)]
        message = str(error)
        reason = error.reason
        details |= error.details
        retry_after = error.retry_after
    else:
        code = StatusCode.INTERNAL
        reason = errors.OpsServiceError.reason
        message = (
            "The service failed in an unexpected way. The application is not affected. "
            f"The audit record and the log give the cause under {reference}."
        )
    status = status_pb2.Status(code=code.value[0], message=message)
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=details))
    status.details.append(packed)
    if retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(retry_after * 1e9))
        retry = any_pb2.Any()
        retry.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        status.details.append(retry)
    return code, status
