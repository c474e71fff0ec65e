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

Raise what happened; `ops_service.gate.status` maps it to the wire, once. Each docstring
says which calls end with the error ("Calls:") and what to do ("Remedy:"); `make docs` makes
the reference of errors from them.
"""

from __future__ import annotations

from typing import Self


class OpsServiceError(Exception):
    """The service failed in an unforeseen way; base of all exceptions of ops_service.

    The text is meant for the caller and holds nothing of the application: no
    text of its exceptions, no contents of its objects.

    Attributes:
        reason: Stable name of the error, sent as ``ErrorInfo.reason``.
        retry_after: Seconds after which trying again makes sense, or None.
        details: Further facts as strings, sent as ``ErrorInfo.metadata``.

    Calls: every one.

    Remedy: the text names a reference. Look for it in the audit records and in the log of the
    host, and report the cause that stands there.
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
    """The configuration is wrong. The text names the file, key and remedy.

    Calls: none; `ops_service.start` raises it.

    Remedy: change the key that the text names, as the text says.
    """

    reason = "CONFIGURATION"


class StartError(OpsServiceError):
    """The port could not be opened.

    Calls: none; `ops_service.start` raises it.

    Remedy: the text says what is in the way: an address in use, a directory that others may enter,
    too few threads.
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

    Remedy: renew the certificate that the text names, and connect again. If it is valid, set the
    clock of the host right.
    """

    reason = "CERTIFICATE_OUT_OF_DATE"


class PermissionDenied(OpsServiceError):
    """The peer lacks a capability. The text names who the server saw.

    Calls: every one.

    Remedy: compare the name in the text with the ``[[grants]]``; list the capability there if the
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

    Remedy: the process was replaced. Read the new instance id with GetPrincipal, and begin again;
    what was found in the earlier process is not valid in this one.
    """

    reason = "WRONG_PROCESS"


class UnknownMethod(OpsServiceError):
    """The server has no such method.

    Calls: none that this release has.

    Remedy: upgrade the host, or use a client of its release.
    """

    reason = "UNKNOWN_METHOD"


class RequestTooLarge(OpsServiceError):
    """The metadata of a request is over the limit.

    Calls: every one.

    Remedy: send less, or raise ``limits.request_bytes`` or ``limits.metadata_bytes``.
    """

    reason = "REQUEST_TOO_LARGE"


class StreamStalled(OpsServiceError):
    """The caller left messages unread, or its request unsent, for too long.

    Calls: every one.

    Remedy: read the stream without pauses, for instance into a file. On a slow link raise
    ``limits.stall_seconds`` or ``limits.request_seconds``.
    """

    reason = "STREAM_STALLED"


class Busy(OpsServiceError):
    """A bounded resource is in use. Trying again later makes sense.

    Calls: every one.

    Remedy: try again after the delay in ``RetryInfo``. If it stays so, end what holds the place,
    or raise the bound in ``limits`` or ``evaluation`` that the text speaks of.
    """

    reason = "BUSY"


class EngineUnavailable(OpsServiceError):
    """The snapshot engine cannot run on this interpreter or system.

    Calls: SummarizeHeap, CaptureHeapSnapshot, FindReferrers, WatchHeapGrowth.

    Remedy: the text names what is missing: Linux, a compiler at installation, or the patch
    release that the engine was compiled for. Install again there, or set
    ``heap.allow_other_patch_release``. Some calls accept ``allow_pause`` instead.
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
    """Too little memory is left. The text says the figures and what still fits.

    Calls: SummarizeHeap, CaptureHeapSnapshot, FindReferrers.

    Remedy: take what the text says still fits, such as a summary in place of a capture, or a
    capture with ``max_objects``; or raise the memory limit.
    """

    reason = "INSUFFICIENT_MEMORY"


class PauseOverBudget(OpsServiceError):
    """The process would stand still for longer than its configuration allows.

    Calls: SummarizeHeap, CaptureHeapSnapshot, FindReferrers.

    Remedy: raise ``heap.pause_budget_seconds`` if the process may stand still for the time in the
    text, or ask another worker.
    """

    reason = "PAUSE_OVER_BUDGET"


class ObjectNotFound(OpsServiceError):
    """No live object has the id, or none is of the type.

    Calls: FindReferrers.

    Remedy: take an id from a snapshot of this very process, or the full name of a type as
    SummarizeHeap lists it. The object may be gone by now.
    """

    reason = "OBJECT_NOT_FOUND"


class GcMomentMissed(OpsServiceError):
    """The full collection that the caller waited for did not come in time.

    Calls: CaptureHeapSnapshot.

    Remedy: raise ``gc_wait_limit``, or choose another ``gc_moment``.
    """

    reason = "GC_MOMENT_MISSED"


class WalkFailed(OpsServiceError):
    """The walking child ended before its walk was whole. The host is unharmed.

    Calls: SummarizeHeap, CaptureHeapSnapshot, FindReferrers.

    Remedy: try again. If the walk fails again, report it with the log of the host: it names the
    signal or exit status of the child.
    """

    reason = "WALK_FAILED"


class WalkTimeout(OpsServiceError):
    """The walking child outlived its bound and was killed.

    Calls: SummarizeHeap, CaptureHeapSnapshot, FindReferrers.

    Remedy: raise ``heap.lifetime_limit_seconds``, or ``heap.cpu_share`` where a CPU quota slows
    the child; a capture can be cut by ``max_objects``.
    """

    reason = "WALK_TIMEOUT"


class Cancelled(OpsServiceError):
    """The caller went away, or the service stopped.

    Calls: every one.

    Remedy: call again. If nobody cancelled, the service was stopped or the process forked.
    """

    reason = "CANCELLED"


class NoSuchOperation(OpsServiceError):
    """The application has registered no operation of that name.

    Calls: InvokeOperation.

    Remedy: take a name that ListOperations lists; the application registers them with
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


class EvaluationDisabled(OpsServiceError):
    """Evaluation is not switched on in this process.

    Calls: EvaluateCode, OpenRepl.

    Remedy: set ``evaluation.enabled`` if that is meant, and unset ``OPS_SERVICE_EVALUATE``
    where it says ``off``; then start the process again.
    """

    reason = "EVALUATION_DISABLED"


class StoreDisabled(OpsServiceError):
    """No store is configured in this process.

    Calls: CaptureHeapSnapshot, ListSnapshots, ReadSnapshot, ReadGrowthHistory.

    Remedy: set ``store.directory`` and start the process again, or capture without the store.
    """

    reason = "STORE_DISABLED"


class SnapshotNotFound(OpsServiceError):
    """The store has no such snapshot, or no longer.

    Calls: ReadSnapshot.

    Remedy: list the snapshots: the oldest make room for new ones once ``store.max_bytes`` is
    reached.
    """

    reason = "SNAPSHOT_NOT_FOUND"


class WatchDisabled(OpsServiceError):
    """No background watch runs in this process.

    Calls: ReadGrowthHistory.

    Remedy: set ``watch.interval_seconds`` and start the process again, or run WatchHeapGrowth.
    """

    reason = "WATCH_DISABLED"


class HistoryNotFound(OpsServiceError):
    """The store has no history of such a process.

    Calls: ReadGrowthHistory.

    Remedy: list the snapshots to see which processes left something. A process leaves a
    history only with a watch and a store, in a directory that outlives the container.
    """

    reason = "HISTORY_NOT_FOUND"


class StoreFull(OpsServiceError):
    """The disk of the store is full, or its bound leaves no room.

    Calls: CaptureHeapSnapshot.

    Remedy: free space on the disk, or raise ``store.max_bytes``; or capture without the store.
    """

    reason = "STORE_FULL"


class StoreUnwritable(OpsServiceError):
    """The store cannot be written to: permissions, or a read-only disk.

    Calls: CaptureHeapSnapshot.

    Remedy: look at the owner and mode of ``store.directory`` and at the state of its disk; or
    capture without the store.
    """

    reason = "STORE_UNWRITABLE"


class StoreDamaged(OpsServiceError):
    """A file of the store is not what was written, or cannot be read.

    Calls: CaptureHeapSnapshot, ListSnapshots, ReadSnapshot, ReadGrowthHistory.

    Remedy: capture again; other files of the store are not affected. Look at the disk if it
    comes back.
    """

    reason = "STORE_DAMAGED"


class SessionNotFound(OpsServiceError):
    """There is no such interactive session, no longer, or not of this caller.

    Calls: OpenRepl.

    Remedy: open a new session. Sessions end after ``evaluation.session_idle_seconds``, and belong
    to who opened them.
    """

    reason = "SESSION_NOT_FOUND"


class PlaceUnavailable(OpsServiceError):
    """The application does not offer the place that code should run in.

    Calls: EvaluateCode, OpenRepl.

    Remedy: choose a place that GetProcess lists, or let the application offer this one, by
    ``main_thread_executor`` or ``event_loop`` of ``ops_service.start``.
    """

    reason = "PLACE_UNAVAILABLE"


class AuditUnavailable(OpsServiceError):
    """The audit record could not be written, so the work was not begun.

    Calls: CaptureHeapSnapshot, FindReferrers, ReadSnapshot, EvaluateCode, OpenRepl.

    Remedy: free space for ``audit.file``, or mend its directory. Without a file, give the logger
    ``ops_service.audit`` a handler that takes INFO.
    """

    reason = "AUDIT_UNAVAILABLE"
