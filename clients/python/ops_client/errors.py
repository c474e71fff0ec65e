"""The exceptions that ops_client raises.

    OpsClientError
    ├── CredentialsError               a certificate or key file cannot be used
    ├── ConnectionFailed               no answer came; the subclass says where it stopped
    │   ├── HostUnreachable            no such host, or no route to it
    │   ├── NothingListening           the host answers, the port does not
    │   ├── TlsFailed                  the two sides do not accept each other
    │   ├── ServerSilent               the port connects, and the process says nothing
    │   └── ConnectionLost             the connection broke during the call
    ├── DeadlineExceeded               the process answers, but the call took too long
    ├── CallFailed                     the server answered with an error
    │   ├── Unauthenticated            it saw no verified certificate
    │   ├── CertificateOutOfDate       the caller's certificate expired, or is not valid yet
    │   ├── PermissionDenied           a capability is missing
    │   ├── InvalidRequest             a field has an invalid value
    │   ├── WrongProcess               the answering process is not the pinned one
    │   ├── UnknownMethod              the server does not know the method
    │   ├── RequestTooLarge            the request exceeds the server's limit
    │   ├── StreamStalled              this side stopped reading the stream
    │   ├── Busy                       a slot is taken; retry later
    │   ├── EngineUnavailable          the snapshot engine cannot run there
    │   ├── CloneRefused               the system refused to clone the process
    │   ├── InsufficientMemory         a capture would not fit into the memory left
    │   ├── PauseOverBudget            the process would stand still for too long
    │   ├── NoSuchObject               no live object has the id, or is of the type
    │   ├── GcMomentMissed             the awaited collection did not come
    │   ├── WalkFailed                 the walk ended before it was complete
    │   ├── WalkTimeout                the walk timed out
    │   ├── Cancelled                  the server cancelled the call
    │   ├── NoSuchOperation            the application has no operation of that name
    │   ├── OperationUnavailable       the operation cannot run there
    │   ├── TracingUnavailable         allocations cannot be traced there
    │   ├── EvaluationDisabled         evaluation is switched off there
    │   ├── StoreDisabled              the process has no store
    │   ├── SnapshotNotFound           the store has no such snapshot
    │   ├── WatchDisabled              no background watch runs there
    │   ├── HistoryNotFound            the store has no such history
    │   ├── StoreFull                  the store is full
    │   ├── StoreUnwritable            the store cannot be written
    │   ├── StoreDamaged               a file of the store is damaged
    │   ├── SessionNotFound            this caller has no such session, or it ended
    │   ├── PlaceUnavailable           the application does not offer to run code there
    │   └── AuditUnavailable           the server could not write its audit record
    ├── SnapshotError                  a snapshot did not arrive; no file was left
    │   ├── IncompleteSnapshot         the stream ended before its trailer
    │   └── CorruptSnapshot            length or hash differs from the trailer
    ├── FileNotWritten                 the disk is full, or the place is not writable
    ├── FileNotRead                    a file cannot be opened or read
    ├── AuditLogBroken                 a line of an audit log was altered or is missing
    └── HeapGraphFileError             a heap graph file cannot be read
        ├── NotAHeapGraphFile          the file is something else
        ├── UnsupportedHeapGraphFile   a newer release wrote it
        ├── TruncatedHeapGraphFile     its end is missing
        └── CorruptHeapGraphFile       its contents contradict each other
    AnalysisError                      a graph lacks the requested data
    ├── ObjectNotFound                 no object has the id, or none is of the type
    ├── GraphNotDrawn                  Graphviz is missing, or failed
    ├── DifferentProcesses             two graphs come from different processes
    ├── QueryFailed                    a query is wrong or needs too much memory
    └── QueryTimedOut                  a query took too long

Every message says what happened and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping


class OpsClientError(Exception):
    """Base of every exception that ops_client raises."""


class CredentialsError(OpsClientError):
    """A certificate or key file is missing or unreadable, or the two do not match."""


class ConnectionFailed(OpsClientError):
    """No answer came from the server."""


class HostUnreachable(ConnectionFailed):
    """The host name does not resolve, or there is no route to the host."""


class NothingListening(ConnectionFailed):
    """The host refuses the connection: no process listens on the port."""


class TlsFailed(ConnectionFailed):
    """The TLS handshake failed: certificate, CA, server name, or no TLS at all."""


class ServerSilent(ConnectionFailed):
    """The port accepts connections, but the process does not answer.

    A thread holds the GIL, or the process gets no CPU.
    """


class ConnectionLost(ConnectionFailed):
    """The connection broke during the call, although the port answers now."""


class DeadlineExceeded(OpsClientError):
    """The call took longer than its timeout, while the process answers others."""


class CallFailed(OpsClientError):
    """The server answered with an error.

    Attributes:
        code: Name of the gRPC status code, such as "PERMISSION_DENIED".
        reason: Stable name of the error, or "" if the answer did not come from the
            service (but from a proxy, for example).
        retry_after: Seconds to wait before a retry, or None.
        details: Further facts that the server sent.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        reason: str = "",
        retry_after: float | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.retry_after = retry_after
        self.details = dict(details or {})


class Unauthenticated(CallFailed):
    """The server saw no certificate that it could verify."""


class CertificateOutOfDate(CallFailed):
    """The caller's certificate expired, or is not valid yet. Reconnect with another."""


class PermissionDenied(CallFailed):
    """The caller lacks a capability. The message names the principal that the server saw."""


class InvalidRequest(CallFailed):
    """A field of the request has a value that the server does not accept."""


class WrongProcess(CallFailed):
    """The process that answered does not have the pinned instance id."""


class UnknownMethod(CallFailed):
    """The server does not know the method: it is older than this client."""


class RequestTooLarge(CallFailed):
    """The request exceeds the server's limit on messages or metadata."""


class StreamStalled(CallFailed):
    """The server ended a stream because this side stopped reading."""


class Busy(CallFailed):
    """A bounded resource is in use. ``retry_after`` says when to retry."""


class EngineUnavailable(CallFailed):
    """The snapshot engine cannot run in that process. The message says why."""


class CloneRefused(CallFailed):
    """The server's operating system refused to clone the process."""


class InsufficientMemory(CallFailed):
    """A capture would not fit into the memory that the process has left."""


class PauseOverBudget(CallFailed):
    """The process would stand still for longer than its configuration allows."""


class NoSuchObject(CallFailed):
    """No live object of the process has the id, or none is of the type."""


class GcMomentMissed(CallFailed):
    """The full collection that the capture waited for did not come in time."""


class WalkFailed(CallFailed):
    """The walk of the heap ended before it was complete. The process is unharmed."""


class WalkTimeout(CallFailed):
    """The walk of the heap timed out and was stopped."""


class Cancelled(CallFailed):
    """The server cancelled the call, for example because it is stopping."""


class NoSuchOperation(CallFailed):
    """The application has no operation of that name."""


class OperationUnavailable(CallFailed):
    """The operation cannot run in that process. The message says why."""


class TracingUnavailable(CallFailed):
    """Allocations cannot be traced in that process without danger. The message says why."""


class EvaluationDisabled(CallFailed):
    """Evaluation is not switched on in that process."""


class StoreDisabled(CallFailed):
    """The process has no store configured."""


class SnapshotNotFound(CallFailed):
    """The process's store does not have the snapshot, or no longer has it."""


class WatchDisabled(CallFailed):
    """No background watch runs in the process."""


class HistoryNotFound(CallFailed):
    """The process's store has no history of that process."""


class StoreFull(CallFailed):
    """The disk of the process's store is full, or its bound leaves no room."""


class StoreUnwritable(CallFailed):
    """The process's store cannot be written to."""


class StoreDamaged(CallFailed):
    """A file of the process's store was altered, or cannot be read."""


class SessionNotFound(CallFailed):
    """This caller has no such interactive session in the process, or it has ended."""


class PlaceUnavailable(CallFailed):
    """The application does not offer its event loop, or its main thread."""


class AuditUnavailable(CallFailed):
    """The server could not write its audit record, so it did not start the call."""


class SnapshotError(OpsClientError):
    """A snapshot did not arrive whole. Nothing was left on disk."""


class IncompleteSnapshot(SnapshotError):
    """The stream ended before its trailer."""


class CorruptSnapshot(SnapshotError):
    """The length or the hash of the received data differs from the trailer."""


class FileNotWritten(OpsClientError):
    """A file could not be written. An existing file at that name is unchanged."""


class AnalysisError(OpsClientError):
    """A heap graph lacks the requested data."""


class ObjectNotFound(AnalysisError):
    """No object has the id, or none is of the type."""


class GraphNotDrawn(AnalysisError):
    """A graph could not be drawn: Graphviz is missing, or failed."""


class DifferentProcesses(AnalysisError):
    """Two heap graphs to compare come from different processes."""


class QueryFailed(AnalysisError):
    """A query is wrong, or does not fit into its memory limit."""


class QueryTimedOut(AnalysisError):
    """A query took longer than its time limit."""


class FileNotRead(OpsClientError):
    """A file cannot be opened or read."""


class AuditLogBroken(OpsClientError):
    """A line of an audit log was altered, removed or moved, or its end is missing."""


class HeapGraphFileError(OpsClientError):
    """A heap graph file cannot be read."""


class NotAHeapGraphFile(HeapGraphFileError):
    """The file is something else."""


class UnsupportedHeapGraphFile(HeapGraphFileError):
    """The file's format is newer than this reader."""


class TruncatedHeapGraphFile(HeapGraphFileError):
    """The end of the file is missing."""


class CorruptHeapGraphFile(HeapGraphFileError):
    """The file's contents contradict its hash, its trailer or each other."""
