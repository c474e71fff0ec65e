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
    ├── Busy                       a slot is taken; retry later
    ├── EngineUnavailable          the snapshot engine cannot run here
    ├── CloneRefused               the system refused to clone the process
    ├── InsufficientMemory         a capture would not fit into the memory left
    ├── PauseOverBudget            a clone would stop the process for too long
    ├── ObjectNotFound             no live object has the id or the type
    ├── GcMomentMissed             the awaited collection did not come in time
    ├── WalkFailed                 the child ended before its walk was complete
    ├── WalkTimeout                the walking child timed out
    ├── Cancelled                  the caller went away
    ├── NoSuchOperation            the application has no operation with that name
    ├── OperationUnavailable       the operation cannot run here
    ├── TracingUnavailable         allocations cannot be traced here
    ├── EvaluationDisabled         evaluation is not enabled here
    ├── StoreDisabled              no store is configured
    ├── SnapshotNotFound           the store has no such snapshot
    ├── WatchDisabled              no background watch runs
    ├── HistoryNotFound            the store has no such history
    ├── StoreFull                  the store's disk is full, or its bound leaves no room
    ├── StoreUnwritable            the store cannot be written to
    ├── StoreDamaged               a file of the store is corrupt or unreadable
    ├── SessionNotFound            the caller has no such interactive session
    ├── PlaceUnavailable           the application does not offer to run code there
    └── AuditUnavailable           the audit record could not be written

Raise the error that happened; `ops_service.gate.status` maps it to the wire, once. Each
docstring says which calls end with the error ("Calls:") and what to do ("Remedy:").
`make docs` generates the reference of errors from them.
"""

from __future__ import annotations

from typing import Self


class OpsServiceError(Exception):
    """The service failed in an unforeseen way; base of all exceptions of ops_service.

    The text is for the caller and holds nothing of the application: no text of its
    exceptions, no contents of its objects.

    Attributes:
        reason: Stable name of the error, sent as ``ErrorInfo.reason``.
        retry_after: Seconds after which a retry makes sense, or None.
        details: Further facts as strings, sent as ``ErrorInfo.metadata``.

    Calls: every one.

    Remedy: the text names a reference. Look for it in the audit records and in the log of the
    host, and report the cause that you find there.
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
        """Return the same error without a traceback, to be raised in another thread.

        An object that keeps an error whose traceback leads to that object forms a cycle. The
        cycle would hold every frame of the traceback until the next collection.
        """
        return type(self)(str(self), retry_after=self.retry_after, details=self.details)


class ConfigurationError(OpsServiceError):
    """The configuration is wrong. The text names the file, key and remedy.

    Calls: none; `ops_service.start` raises it.

    Remedy: change the key that the text names, as the text says.
    """

    reason = "CONFIGURATION"


class StartError(OpsServiceError):
    """The port could not be opened.

    Calls: none; `ops_service.start` raises it.

    Remedy: remove the obstacle that the text names: an address in use, a directory that others may
    enter, too few threads.
    """

    reason = "START"


class Unauthenticated(OpsServiceError):
    """The peer presented no certificate that the server could verify.

    Calls: every one.

    Remedy: connect with a certificate of an authority in ``tls.client_ca``, with one URI or DNS
    name; a SPIFFE id must be of a domain in ``authorization.trust_domains``.
    """

    reason = "UNAUTHENTICATED"


class CertificateOutOfDate(OpsServiceError):
    """A certificate of the peer expired, or is not valid yet. The text says when.

    Calls: every one.

    Remedy: renew the certificate that the text names, and connect again. If it is valid, correct
    the host's clock.
    """

    reason = "CERTIFICATE_OUT_OF_DATE"


class PermissionDenied(OpsServiceError):
    """The peer lacks a capability. The text names the peer as the server sees it.

    Calls: every one.

    Remedy: compare the name in the text with the ``[[grants]]``. List the capability there if the
    principal should have it.
    """

    reason = "PERMISSION_DENIED"


class InvalidRequest(OpsServiceError):
    """A field of the request has a value that is not accepted.

    Calls: every one.

    Remedy: correct the field that the text names; the text says which values are accepted.
    """

    reason = "INVALID_REQUEST"


class WrongProcess(OpsServiceError):
    """The caller pinned an instance id that is not this process's.

    Calls: every one.

    Remedy: the process was replaced. Read the new instance id with GetPrincipal, and start again.
    Ids and findings from the earlier process are not valid in this one.
    """

    reason = "WRONG_PROCESS"


class UnknownMethod(OpsServiceError):
    """The server has no such method.

    Calls: none that this release has.

    Remedy: upgrade the host, or use a client of the host's release.
    """

    reason = "UNKNOWN_METHOD"


class RequestTooLarge(OpsServiceError):
    """The metadata of a request is over the limit.

    Calls: every one.

    Remedy: send less, or raise ``limits.request_bytes`` or ``limits.metadata_bytes``.
    """

    reason = "REQUEST_TOO_LARGE"


class StreamStalled(OpsServiceError):
    """The caller did not read messages, or did not send its request, in time.

    Calls: every one.

    Remedy: read the stream without pauses, for instance into a file. On a slow link, raise
    ``limits.stall_seconds`` or ``limits.request_seconds``.
    """

    reason = "STREAM_STALLED"


class Busy(OpsServiceError):
    """A bounded resource is in use. A later retry makes sense.

    Calls: every one.

    Remedy: retry after the delay in ``RetryInfo``. If the error stays, end what holds the place,
    or raise the bound in ``limits`` or ``evaluation`` that the text names.
    """

    reason = "BUSY"


class EngineUnavailable(OpsServiceError):
    """The snapshot engine cannot run on this interpreter or system.

    Calls: SummarizeHeap, CaptureHeapSnapshot, FindReferrers, WatchHeapGrowth.

    Remedy: the text names what is missing: Linux, a supported release of CPython, or a wheel
    of ops-service for it. Some calls accept ``allow_pause`` instead.
    """

    reason = "ENGINE_UNAVAILABLE"


class CloneRefused(OpsServiceError):
    """The operating system refused to clone the process.

    Calls: SummarizeHeap, CaptureHeapSnapshot, FindReferrers.

    Remedy: look at ``pids.max``, ``ulimit -u``, the memory limit and the seccomp profile of the
    host.
    """

    reason = "CLONE_REFUSED"


class InsufficientMemory(OpsServiceError):
    """Too little memory is left. The text gives the figures and says what still fits.

    Calls: SummarizeHeap, CaptureHeapSnapshot, FindReferrers.

    Remedy: use a call that still fits according to the text, such as a summary in place of a
    capture, or a capture with ``max_objects``. Or raise the memory limit.
    """

    reason = "INSUFFICIENT_MEMORY"


class PauseOverBudget(OpsServiceError):
    """The process would stand still for longer than its configuration allows.

    Calls: SummarizeHeap, CaptureHeapSnapshot, FindReferrers.

    Remedy: raise ``heap.pause_budget_seconds`` if the process may stand still for the time in the
    text, or call another worker.
    """

    reason = "PAUSE_OVER_BUDGET"


class ObjectNotFound(OpsServiceError, LookupError):
    """No live object has the id, or none has the type.

    ``ops.object()`` raises it in evaluated code.

    Calls: FindReferrers.

    Remedy: use an id from a snapshot of this same process, or the full name of a type as
    SummarizeHeap lists it. The object may no longer exist.
    """

    reason = "OBJECT_NOT_FOUND"


class GcMomentMissed(OpsServiceError):
    """The full collection that the caller waited for did not come in time.

    Calls: CaptureHeapSnapshot.

    Remedy: raise ``gc_wait_limit``, or choose another ``gc_moment``.
    """

    reason = "GC_MOMENT_MISSED"


class WalkFailed(OpsServiceError):
    """The walking child ended before its walk was complete. The host is unharmed.

    Calls: SummarizeHeap, CaptureHeapSnapshot, FindReferrers.

    Remedy: retry. If the walk fails again, report it with the log of the host, which names the
    signal or exit status of the child.
    """

    reason = "WALK_FAILED"


class WalkTimeout(OpsServiceError):
    """The walking child timed out and was killed.

    Calls: SummarizeHeap, CaptureHeapSnapshot, FindReferrers.

    Remedy: raise ``heap.lifetime_limit_seconds``, or ``heap.cpu_share`` if a CPU quota slows the
    child. ``max_objects`` can cut a capture.
    """

    reason = "WALK_TIMEOUT"


class Cancelled(OpsServiceError):
    """The caller went away, or the service stopped.

    Calls: every one.

    Remedy: call again. If nobody cancelled, the service was stopped or the process forked.
    """

    reason = "CANCELLED"


class NoSuchOperation(OpsServiceError):
    """The application has registered no operation with that name.

    Calls: InvokeOperation.

    Remedy: use a name that ListOperations returns. The application registers operations with
    ``ops_service.operation``.
    """

    reason = "NO_SUCH_OPERATION"


class OperationUnavailable(OpsServiceError):
    """The operation cannot run here: it needs an event loop, and none is known.

    Calls: InvokeOperation.

    Remedy: call it in a process that runs an asyncio loop, or make the operation a plain
    function.
    """

    reason = "OPERATION_UNAVAILABLE"


class TracingUnavailable(OpsServiceError):
    """Allocations cannot be traced without danger to the process. The text says why.

    CPython's tracemalloc crashes or hangs a process in which another interpreter is created or
    ends while it traces.

    Calls: TraceAllocations.

    Remedy: call it when the process has a single interpreter: before the application creates
    others, or after it has closed them. Or watch growth with WatchHeapGrowth instead.
    """

    reason = "TRACING_UNAVAILABLE"


class EvaluationDisabled(OpsServiceError):
    """Evaluation is not enabled in this process.

    Calls: EvaluateCode, OpenRepl.

    Remedy: if you want evaluation, set ``evaluation.enabled``, and unset ``OPS_SERVICE_EVALUATE``
    if it is ``off``. Then restart the process.
    """

    reason = "EVALUATION_DISABLED"


class StoreDisabled(OpsServiceError):
    """No store is configured in this process.

    Calls: CaptureHeapSnapshot, ListSnapshots, ReadSnapshot, ReadGrowthHistory.

    Remedy: set ``store.directory`` and restart the process, or capture without the store.
    """

    reason = "STORE_DISABLED"


class SnapshotNotFound(OpsServiceError):
    """The store does not have the snapshot, or no longer has it.

    Calls: ReadSnapshot.

    Remedy: list the snapshots. The store evicts the oldest to make room for new ones once it
    reaches ``store.max_bytes``.
    """

    reason = "SNAPSHOT_NOT_FOUND"


class WatchDisabled(OpsServiceError):
    """No background watch runs in this process.

    Calls: ReadGrowthHistory.

    Remedy: set ``watch.interval_seconds`` and restart the process, or call WatchHeapGrowth.
    """

    reason = "WATCH_DISABLED"


class HistoryNotFound(OpsServiceError):
    """The store has no history of the process.

    Calls: ReadGrowthHistory.

    Remedy: list the snapshots to see which processes stored any. A process leaves a history
    only with a watch and a store, in a directory that outlives the container.
    """

    reason = "HISTORY_NOT_FOUND"


class StoreFull(OpsServiceError):
    """The disk of the store is full, or its bound leaves no room.

    Calls: CaptureHeapSnapshot.

    Remedy: free space on the disk, raise ``store.max_bytes``, or capture without the store.
    """

    reason = "STORE_FULL"


class StoreUnwritable(OpsServiceError):
    """The store cannot be written to: permissions, or a read-only disk.

    Calls: CaptureHeapSnapshot.

    Remedy: check the owner and mode of ``store.directory`` and the state of its disk, or capture
    without the store.
    """

    reason = "STORE_UNWRITABLE"


class StoreDamaged(OpsServiceError):
    """A file of the store is corrupt, or cannot be read.

    Calls: CaptureHeapSnapshot, ListSnapshots, ReadSnapshot, ReadGrowthHistory.

    Remedy: capture again; other files of the store are not affected. Check the disk if the error
    returns.
    """

    reason = "STORE_DAMAGED"


class SessionNotFound(OpsServiceError):
    """The interactive session does not exist, has ended, or belongs to another caller.

    Calls: OpenRepl.

    Remedy: open a new session. A session ends after ``evaluation.session_idle_seconds``, and
    belongs to the principal that opened it.
    """

    reason = "SESSION_NOT_FOUND"


class PlaceUnavailable(OpsServiceError):
    """The application does not offer the place where the code should run.

    Calls: EvaluateCode, OpenRepl.

    Remedy: choose a place that GetProcess lists, or let the application offer this one with
    ``main_thread_executor`` or ``event_loop`` of ``ops_service.start``.
    """

    reason = "PLACE_UNAVAILABLE"


class AuditUnavailable(OpsServiceError):
    """The audit record could not be written, so the work did not begin.

    Calls: CaptureHeapSnapshot, FindReferrers, ReadSnapshot, EvaluateCode, OpenRepl.

    Remedy: free space for ``audit.file``, or repair its directory. Without a file, give the logger
    ``ops_service.audit`` a handler that accepts INFO.
    """

    reason = "AUDIT_UNAVAILABLE"
