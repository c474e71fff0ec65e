"""The exceptions that ops_service raises on the host's side.

    OpsServiceError
    ├── ConfigurationError         the configuration is wrong; start is refused
    ├── StartError                 the port could not be opened
    ├── Unauthenticated            the peer has no verified certificate
    ├── CertificateOutOfDate       the peer's certificate expired, or is not valid yet
    ├── PermissionDenied           the peer lacks a capability
    ├── InvalidRequest             a field has a value that is not accepted
    ├── WrongProcess               the caller pinned another process
    ├── UnknownMethod              no such method
    ├── RequestTooLarge            a request's metadata is over the limit
    ├── StreamStalled              the caller stopped reading, or never sent its request
    ├── Busy                       a slot is taken; try again later
    ├── EngineUnavailable          the snapshot engine cannot run here
    ├── CloneRefused               the system refused to clone the process
    ├── InsufficientMemory         a capture would not fit into the memory left
    ├── PauseOverBudget            a clone would stop the process for too long
    ├── ObjectNotFound             no live object has the id, or is of the type
    ├── GcMomentMissed             the awaited collection did not come
    ├── WalkFailed                 the child ended before its walk was whole
    ├── WalkTimeout                the child outlived its bound
    ├── Cancelled                  the caller went away
    ├── NoSuchOperation            the application has no operation of that name
    ├── OperationUnavailable       the operation cannot run here
    ├── EvaluationDisabled         evaluation is switched off here
    ├── StoreDisabled              no store is configured
    ├── SnapshotNotFound           the store has no such snapshot
    ├── WatchDisabled              no background watch runs
    ├── HistoryNotFound            the store has no such history
    ├── StoreFull                  its disk is full, or its bound leaves no room
    ├── StoreUnwritable            it cannot be written to
    ├── StoreDamaged               a file of it is not what was written
    ├── SessionNotFound            no such interactive session, or not of this caller
    ├── PlaceUnavailable           the application does not offer to run code there
    └── AuditUnavailable           the audit record could not be written

Raise what happened; `ops_service.gate.status` maps it to the wire, once.
"""

from __future__ import annotations

from typing import Self


class OpsServiceError(Exception):
    """Base of every exception that ops_service raises.

    The text is meant for the caller and holds nothing of the application: no
    text of its exceptions, no contents of its objects.

    Attributes:
        reason: Stable name of the error, sent as ``ErrorInfo.reason``.
        retry_after: Seconds after which trying again makes sense, or None.
        details: Further facts as strings, sent as ``ErrorInfo.metadata``.
    """

    reason = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        details: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.details = details or {}

    def without_traceback(self) -> Self:
        """The same error without a traceback, to be raised in another thread.

        An error that something keeps which its own traceback leads to is a cycle,
        and would hold every frame on the way until the next collection.
        """
        return type(self)(str(self), retry_after=self.retry_after, details=self.details)


class ConfigurationError(OpsServiceError):
    """The configuration is wrong. The text names the file, key and remedy."""

    reason = "CONFIGURATION"


class StartError(OpsServiceError):
    """The port could not be opened."""

    reason = "START"


class Unauthenticated(OpsServiceError):
    """The peer presented no certificate that the server could verify."""

    reason = "UNAUTHENTICATED"


class CertificateOutOfDate(OpsServiceError):
    """A certificate of the peer expired, or is not valid yet. The text says when."""

    reason = "CERTIFICATE_OUT_OF_DATE"


class PermissionDenied(OpsServiceError):
    """The peer lacks a capability. The text names who the server saw."""

    reason = "PERMISSION_DENIED"


class InvalidRequest(OpsServiceError):
    """A field of the request has a value that is not accepted."""

    reason = "INVALID_REQUEST"


class WrongProcess(OpsServiceError):
    """The caller pinned an instance id that is not this process's."""

    reason = "WRONG_PROCESS"


class UnknownMethod(OpsServiceError):
    """The server has no such method."""

    reason = "UNKNOWN_METHOD"


class RequestTooLarge(OpsServiceError):
    """The metadata of a request is over the limit."""

    reason = "REQUEST_TOO_LARGE"


class StreamStalled(OpsServiceError):
    """The caller left messages unread, or its request unsent, for too long."""

    reason = "STREAM_STALLED"


class Busy(OpsServiceError):
    """A bounded resource is in use. Trying again later makes sense."""

    reason = "BUSY"


class EngineUnavailable(OpsServiceError):
    """The snapshot engine cannot run on this interpreter or system."""

    reason = "ENGINE_UNAVAILABLE"


class CloneRefused(OpsServiceError):
    """The operating system refused to clone the process."""

    reason = "CLONE_REFUSED"


class InsufficientMemory(OpsServiceError):
    """Too little memory is left. The text says the figures and what still fits."""

    reason = "INSUFFICIENT_MEMORY"


class PauseOverBudget(OpsServiceError):
    """The process would stand still for longer than its configuration allows."""

    reason = "PAUSE_OVER_BUDGET"


class ObjectNotFound(OpsServiceError):
    """No live object has the id, or none is of the type."""

    reason = "OBJECT_NOT_FOUND"


class GcMomentMissed(OpsServiceError):
    """The full collection that the caller waited for did not come in time."""

    reason = "GC_MOMENT_MISSED"


class WalkFailed(OpsServiceError):
    """The walking child ended before its walk was whole. The host is unharmed."""

    reason = "WALK_FAILED"


class WalkTimeout(OpsServiceError):
    """The walking child outlived its bound and was killed."""

    reason = "WALK_TIMEOUT"


class Cancelled(OpsServiceError):
    """The caller went away, or the service stopped."""

    reason = "CANCELLED"


class NoSuchOperation(OpsServiceError):
    """The application has registered no operation of that name."""

    reason = "NO_SUCH_OPERATION"


class OperationUnavailable(OpsServiceError):
    """The operation cannot run here: it needs an event loop, and none is known."""

    reason = "OPERATION_UNAVAILABLE"


class EvaluationDisabled(OpsServiceError):
    """Evaluation is not switched on in this process."""

    reason = "EVALUATION_DISABLED"


class StoreDisabled(OpsServiceError):
    """No store is configured in this process."""

    reason = "STORE_DISABLED"


class SnapshotNotFound(OpsServiceError):
    """The store has no such snapshot, or no longer."""

    reason = "SNAPSHOT_NOT_FOUND"


class WatchDisabled(OpsServiceError):
    """No background watch runs in this process."""

    reason = "WATCH_DISABLED"


class HistoryNotFound(OpsServiceError):
    """The store has no history of such a process."""

    reason = "HISTORY_NOT_FOUND"


class StoreFull(OpsServiceError):
    """The disk of the store is full, or its bound leaves no room."""

    reason = "STORE_FULL"


class StoreUnwritable(OpsServiceError):
    """The store cannot be written to: permissions, or a read-only disk."""

    reason = "STORE_UNWRITABLE"


class StoreDamaged(OpsServiceError):
    """A file of the store is not what was written, or cannot be read."""

    reason = "STORE_DAMAGED"


class SessionNotFound(OpsServiceError):
    """There is no such interactive session, no longer, or not of this caller."""

    reason = "SESSION_NOT_FOUND"


class PlaceUnavailable(OpsServiceError):
    """The application does not offer the place that code should run in."""

    reason = "PLACE_UNAVAILABLE"


class AuditUnavailable(OpsServiceError):
    """The audit record could not be written, so the work was not begun."""

    reason = "AUDIT_UNAVAILABLE"
