"""The exceptions that ops_client raises.

    OpsClientError
    ├── CredentialsError               a certificate or key file cannot be used
    ├── ConnectionFailed               no answer came; the subclass says where it stopped
    │   ├── HostUnreachable            no such host, or no way to it
    │   ├── NothingListening           the host answers, the port does not
    │   ├── TlsFailed                  the two sides do not accept each other
    │   ├── ServerSilent               the port connects, and the process says nothing
    │   └── ConnectionLost             the connection broke during the call
    ├── DeadlineExceeded               the process lives, and the call took too long
    ├── CallFailed                     the server answered with an error
    │   ├── Unauthenticated            it saw no verified certificate
    │   ├── CertificateOutOfDate       the caller's certificate expired, or is not valid yet
    │   ├── PermissionDenied           a capability is missing
    │   ├── InvalidRequest             a field has a value that it does not accept
    │   ├── WrongProcess               another process answered than the one pinned
    │   ├── UnknownMethod              it does not know the method
    │   ├── RequestTooLarge            the request is over its limit
    │   ├── StreamStalled              this side stopped reading the stream
    │   ├── Busy                       a slot is taken; try again later
    │   ├── EngineUnavailable          its snapshot engine cannot run
    │   ├── CloneRefused               its system refused to clone the process
    │   ├── InsufficientMemory         a capture would not fit into its memory
    │   ├── PauseOverBudget            it would stand still for too long
    │   ├── NoSuchObject               no live object has the id, or is of the type
    │   ├── GcMomentMissed             the awaited collection did not come
    │   ├── WalkFailed                 the walk ended before it was whole
    │   ├── WalkTimeout                the walk outlived its bound
    │   ├── Cancelled                  the server gave the call up
    │   ├── NoSuchOperation            the application has no operation of that name
    │   ├── OperationUnavailable       the operation cannot run there
    │   ├── EvaluationDisabled         evaluation is switched off there
    │   ├── StoreDisabled              it has no store
    │   ├── SnapshotNotFound           its store has no such snapshot
    │   ├── WatchDisabled              no background watch runs there
    │   ├── HistoryNotFound            its store has no such history
    │   ├── StoreFull                  no room is left in its store
    │   ├── StoreUnwritable            its store cannot be written to
    │   ├── StoreDamaged               a file of its store is damaged
    │   ├── SessionNotFound            it has no such session of yours, or no longer
    │   ├── PlaceUnavailable           the application does not offer to run code there
    │   └── AuditUnavailable           it could not write its audit record
    ├── SnapshotError                  a snapshot did not arrive; no file was left
    │   ├── IncompleteSnapshot         the stream ended before its trailer
    │   └── CorruptSnapshot            length or hash differ from the trailer
    ├── FileNotWritten                 the disk is full, or the place is not writable
    ├── FileNotRead                    a file cannot be opened or read
    ├── AuditLogBroken                 a line of an audit log was altered or is missing
    └── HeapGraphFileError             a heap graph file cannot be read
        ├── NotAHeapGraphFile          it is something else
        ├── UnsupportedHeapGraphFile   a newer release wrote it
        ├── TruncatedHeapGraphFile     its end is missing
        └── CorruptHeapGraphFile       its contents contradict each other
    AnalysisError                      a graph does not hold what was asked of it
    ├── ObjectNotFound                 no such id, or no object of such a type
    ├── GraphNotDrawn                  Graphviz is missing, or failed
    ├── DifferentProcesses             two graphs are not of one process
    ├── QueryFailed                    a query over its tables does not work
    └── QueryTimedOut                  a query over its tables took too long

Every text is a sentence that says what happened and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping


class OpsClientError(Exception):
    """Base of every exception that ops_client raises."""


class CredentialsError(OpsClientError):
    """A certificate or key file is missing, unreadable or does not fit."""


class ConnectionFailed(OpsClientError):
    """No answer came from the server."""


class HostUnreachable(ConnectionFailed):
    """The host name does not resolve, or no way leads to the host."""


class NothingListening(ConnectionFailed):
    """The host refuses the connection: no process listens on the port."""


class TlsFailed(ConnectionFailed):
    """The TLS handshake failed: certificate, CA, server name, or no TLS at all."""


class ServerSilent(ConnectionFailed):
    """The port accepts connections, and the process does not answer.

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
        reason: Stable name of the error, or "" if the answer is not the
            service's own (a proxy's, for instance).
        retry_after: Seconds after which trying again makes sense, or None.
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
    """The caller's certificate expired, or is not valid yet. Connect again with another."""


class PermissionDenied(CallFailed):
    """The caller lacks a capability. The text names whom the server saw."""


class InvalidRequest(CallFailed):
    """A field of the request has a value that the server does not accept."""


class WrongProcess(CallFailed):
    """Another process answered than the one whose instance id was pinned."""


class UnknownMethod(CallFailed):
    """The server does not know the method: it is older than this client."""


class RequestTooLarge(CallFailed):
    """The request is over the server's limit on messages or metadata."""


class StreamStalled(CallFailed):
    """The server gave a stream up, since this side did not read on."""


class Busy(CallFailed):
    """A bounded resource is in use. ``retry_after`` says when to try again."""


class EngineUnavailable(CallFailed):
    """The snapshot engine cannot run in that process. The text says why."""


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
    """The walk of the heap ended before it was whole. The process is unharmed."""


class WalkTimeout(CallFailed):
    """The walk of the heap outlived its bound and was stopped."""


class Cancelled(CallFailed):
    """The server gave the call up, for instance because it is stopping."""


class NoSuchOperation(CallFailed):
    """The application has no operation of that name."""


class OperationUnavailable(CallFailed):
    """The operation cannot run in that process. The text says why."""


class EvaluationDisabled(CallFailed):
    """Evaluation is not switched on in that process."""


class StoreDisabled(CallFailed):
    """The process has no store configured."""


class SnapshotNotFound(CallFailed):
    """The process's store has no such snapshot, or no longer."""


class WatchDisabled(CallFailed):
    """No background watch runs in the process."""


class HistoryNotFound(CallFailed):
    """The process's store has no history of such a process."""


class StoreFull(CallFailed):
    """The disk of the process's store is full, or its bound leaves no room."""


class StoreUnwritable(CallFailed):
    """The process's store cannot be written to."""


class StoreDamaged(CallFailed):
    """A file of the process's store is not what was written, or cannot be read."""


class SessionNotFound(CallFailed):
    """The process has no such interactive session of this caller, or no longer."""


class PlaceUnavailable(CallFailed):
    """The application does not offer its event loop, or its main thread."""


class AuditUnavailable(CallFailed):
    """The server could not write its audit record, so it did not begin."""


class SnapshotError(OpsClientError):
    """A snapshot did not arrive whole. Nothing was left on disk."""


class IncompleteSnapshot(SnapshotError):
    """The stream ended before its trailer."""


class CorruptSnapshot(SnapshotError):
    """Length or hash of what arrived differ from what the trailer says."""


class FileNotWritten(OpsClientError):
    """A file could not be written. Whatever stood at its name still does."""


class AnalysisError(OpsClientError):
    """A heap graph does not hold what was asked of it."""


class ObjectNotFound(AnalysisError):
    """No object has the id, or none is of the type."""


class GraphNotDrawn(AnalysisError):
    """A graph could not be drawn: Graphviz is missing, or failed."""


class DifferentProcesses(AnalysisError):
    """Two heap graphs are to be compared that are not of one process."""


class QueryFailed(AnalysisError):
    """A query is wrong, or its work does not fit into memory."""


class QueryTimedOut(AnalysisError):
    """A query took longer than it was given."""


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
