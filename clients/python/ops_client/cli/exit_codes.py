"""The exit codes of opsctl."""

from __future__ import annotations

from enum import IntEnum

from ops_client import errors


class ExitCode(IntEnum):
    """Every exit code of opsctl, with its meaning, which `make docs` lists."""

    OK = 0
    """It did what it was asked."""
    DEFECT = 1
    """opsctl itself failed, with a traceback."""
    USAGE = 2
    """The command line is wrong."""
    MISSING_PACKAGES = 3
    """opsctl's packages are not installed."""
    CREDENTIALS = 4
    """A certificate or key file cannot be used."""

    HOST_UNREACHABLE = 10
    """No such host, or no route to it."""
    NOTHING_LISTENING = 11
    """The host answers, but the port does not."""
    TLS_FAILED = 12
    """The TLS handshake failed."""
    SERVER_SILENT = 13
    """The port connects but the process is silent: the GIL is held, or it gets no CPU."""
    CONNECTION_LOST = 14
    """The connection broke during the call."""
    DEADLINE_EXCEEDED = 15
    """The call took too long, although the process answers others."""

    CALL_FAILED = 20
    """The server failed unexpectedly, or a proxy answered."""
    UNAUTHENTICATED = 21
    """The server saw no verified certificate."""
    PERMISSION_DENIED = 22
    """A capability is missing."""
    INVALID_REQUEST = 23
    """The server rejects a value."""
    WRONG_PROCESS = 24
    """The answering process is not the pinned one."""
    UNKNOWN_METHOD = 25
    """The server is older than this client."""
    REQUEST_TOO_LARGE = 26
    """The request exceeds the server's limit."""
    STREAM_STALLED = 27
    """The server ended the stream because this side stopped reading."""
    BUSY = 28
    """A slot is taken. A retry makes sense."""
    ENGINE_UNAVAILABLE = 29
    """The snapshot engine cannot run there."""
    CLONE_REFUSED = 30
    """The system refused to clone the process."""
    INSUFFICIENT_MEMORY = 31
    """A capture would not fit into the memory left."""
    GC_MOMENT_MISSED = 32
    """The awaited collection did not come."""
    WALK_FAILED = 33
    """The walk ended before it was complete."""
    WALK_TIMEOUT = 34
    """The walk timed out."""
    CANCELLED = 35
    """The server cancelled the call."""
    EVALUATION_DISABLED = 36
    """Evaluation is switched off there."""
    AUDIT_UNAVAILABLE = 37
    """The server could not write its audit record."""
    PAUSE_OVER_BUDGET = 38
    """The process would stand still for longer than its configuration allows."""
    CERTIFICATE_OUT_OF_DATE = 39
    """Your certificate expired, or is not valid yet."""

    INCOMPLETE_SNAPSHOT = 40
    """The stream ended early. Nothing was kept."""
    CORRUPT_SNAPSHOT = 41
    """The received data differs from the sent data. Nothing was kept."""
    FILE_NOT_WRITTEN = 42
    """The disk is full, the place is not writable, or a file is in the way."""
    FILE_NOT_READ = 43
    """A file cannot be opened."""
    NOT_A_HEAP_GRAPH_FILE = 44
    """The file is something else."""
    UNSUPPORTED_HEAP_GRAPH_FILE = 45
    """A newer release wrote the file."""
    TRUNCATED_HEAP_GRAPH_FILE = 46
    """The file's end is missing."""
    CORRUPT_HEAP_GRAPH_FILE = 47
    """The file's contents were altered."""
    AUDIT_LOG_BROKEN = 48
    """A line of an audit log was altered, removed or moved, or its end is missing."""

    CODE_RAISED = 50
    """Evaluated code raised an exception, or an operation failed."""
    CODE_INVALID = 51
    """The code does not compile."""
    CODE_TIMED_OUT = 52
    """Evaluated code, or an operation, was stopped at its time limit."""
    CODE_STILL_RUNNING = 53
    """Evaluated code, or an operation, could not be stopped at its time limit."""
    CODE_INTERRUPTED = 54
    """Evaluated code was interrupted."""
    CODE_NOT_STARTED = 55
    """The event loop or the main thread did not start the code within its time limit; it will
    not run later."""
    PLACE_UNAVAILABLE = 56
    """The application does not offer to run code there."""
    SESSION_NOT_FOUND = 57
    """You have no such interactive session, or it has ended."""

    STORE_DISABLED = 60
    """The process has no store."""
    SNAPSHOT_NOT_FOUND = 61
    """The store does not have the snapshot, or no longer has it."""
    STORE_FULL = 62
    """The store is full."""
    STORE_UNWRITABLE = 63
    """The store cannot be written."""
    STORE_DAMAGED = 64
    """A file of the store was altered, or cannot be read."""
    WATCH_DISABLED = 65
    """No background watch runs in the process."""
    HISTORY_NOT_FOUND = 66
    """The store has no such history."""

    OBJECT_NOT_FOUND = 70
    """The file, or the live process, has no object with that id, or none of that type."""
    DIFFERENT_PROCESSES = 71
    """The two snapshots come from different processes."""
    QUERY_FAILED = 72
    """The SQL is wrong, or exceeds its memory limit."""
    QUERY_TIMED_OUT = 73
    """The query was stopped at its time limit."""
    GRAPH_NOT_DRAWN = 74
    """Graphviz is not installed, or failed."""

    NO_SUCH_OPERATION = 80
    """The application has no operation of that name."""
    OPERATION_UNAVAILABLE = 81
    """The operation cannot run there: it needs an event loop."""
    TRACING_UNAVAILABLE = 82
    """Allocations cannot be traced there without danger to the process."""

    LEAK = 90
    """A watch found a leak."""
    GROWTH_OUTSIDE_PYTHON = 91
    """A watch found memory that grows outside Python objects."""
    GROWTH_INCONCLUSIVE = 92
    """A watch reached no verdict; its reason says what is missing."""

    INTERRUPTED = 130
    """Ctrl-C."""
    BROKEN_PIPE = 141
    """The reader of the output went away."""


CODES: dict[type[errors.OpsClientError], ExitCode] = {
    errors.OpsClientError: ExitCode.DEFECT,
    errors.CredentialsError: ExitCode.CREDENTIALS,
    errors.ConnectionFailed: ExitCode.CONNECTION_LOST,
    errors.HostUnreachable: ExitCode.HOST_UNREACHABLE,
    errors.NothingListening: ExitCode.NOTHING_LISTENING,
    errors.TlsFailed: ExitCode.TLS_FAILED,
    errors.ServerSilent: ExitCode.SERVER_SILENT,
    errors.ConnectionLost: ExitCode.CONNECTION_LOST,
    errors.DeadlineExceeded: ExitCode.DEADLINE_EXCEEDED,
    errors.CallFailed: ExitCode.CALL_FAILED,
    errors.Unauthenticated: ExitCode.UNAUTHENTICATED,
    errors.CertificateOutOfDate: ExitCode.CERTIFICATE_OUT_OF_DATE,
    errors.PermissionDenied: ExitCode.PERMISSION_DENIED,
    errors.InvalidRequest: ExitCode.INVALID_REQUEST,
    errors.WrongProcess: ExitCode.WRONG_PROCESS,
    errors.UnknownMethod: ExitCode.UNKNOWN_METHOD,
    errors.RequestTooLarge: ExitCode.REQUEST_TOO_LARGE,
    errors.StreamStalled: ExitCode.STREAM_STALLED,
    errors.Busy: ExitCode.BUSY,
    errors.EngineUnavailable: ExitCode.ENGINE_UNAVAILABLE,
    errors.CloneRefused: ExitCode.CLONE_REFUSED,
    errors.InsufficientMemory: ExitCode.INSUFFICIENT_MEMORY,
    errors.PauseOverBudget: ExitCode.PAUSE_OVER_BUDGET,
    errors.NoSuchObject: ExitCode.OBJECT_NOT_FOUND,
    errors.GcMomentMissed: ExitCode.GC_MOMENT_MISSED,
    errors.WalkFailed: ExitCode.WALK_FAILED,
    errors.WalkTimeout: ExitCode.WALK_TIMEOUT,
    errors.Cancelled: ExitCode.CANCELLED,
    errors.NoSuchOperation: ExitCode.NO_SUCH_OPERATION,
    errors.OperationUnavailable: ExitCode.OPERATION_UNAVAILABLE,
    errors.TracingUnavailable: ExitCode.TRACING_UNAVAILABLE,
    errors.EvaluationDisabled: ExitCode.EVALUATION_DISABLED,
    errors.StoreDisabled: ExitCode.STORE_DISABLED,
    errors.SnapshotNotFound: ExitCode.SNAPSHOT_NOT_FOUND,
    errors.WatchDisabled: ExitCode.WATCH_DISABLED,
    errors.HistoryNotFound: ExitCode.HISTORY_NOT_FOUND,
    errors.StoreFull: ExitCode.STORE_FULL,
    errors.StoreUnwritable: ExitCode.STORE_UNWRITABLE,
    errors.StoreDamaged: ExitCode.STORE_DAMAGED,
    errors.SessionNotFound: ExitCode.SESSION_NOT_FOUND,
    errors.PlaceUnavailable: ExitCode.PLACE_UNAVAILABLE,
    errors.AuditUnavailable: ExitCode.AUDIT_UNAVAILABLE,
    errors.SnapshotError: ExitCode.INCOMPLETE_SNAPSHOT,
    errors.IncompleteSnapshot: ExitCode.INCOMPLETE_SNAPSHOT,
    errors.CorruptSnapshot: ExitCode.CORRUPT_SNAPSHOT,
    errors.FileNotWritten: ExitCode.FILE_NOT_WRITTEN,
    errors.AnalysisError: ExitCode.OBJECT_NOT_FOUND,
    errors.ObjectNotFound: ExitCode.OBJECT_NOT_FOUND,
    errors.DifferentProcesses: ExitCode.DIFFERENT_PROCESSES,
    errors.QueryFailed: ExitCode.QUERY_FAILED,
    errors.QueryTimedOut: ExitCode.QUERY_TIMED_OUT,
    errors.GraphNotDrawn: ExitCode.GRAPH_NOT_DRAWN,
    errors.FileNotRead: ExitCode.FILE_NOT_READ,
    errors.AuditLogBroken: ExitCode.AUDIT_LOG_BROKEN,
    errors.HeapGraphFileError: ExitCode.FILE_NOT_READ,
    errors.NotAHeapGraphFile: ExitCode.NOT_A_HEAP_GRAPH_FILE,
    errors.UnsupportedHeapGraphFile: ExitCode.UNSUPPORTED_HEAP_GRAPH_FILE,
    errors.TruncatedHeapGraphFile: ExitCode.TRUNCATED_HEAP_GRAPH_FILE,
    errors.CorruptHeapGraphFile: ExitCode.CORRUPT_HEAP_GRAPH_FILE,
}
