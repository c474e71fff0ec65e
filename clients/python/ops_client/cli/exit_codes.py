"""The exit codes of opsctl."""

from __future__ import annotations

from enum import IntEnum

from ops_client import errors


class ExitCode(IntEnum):
    """Every exit code of opsctl."""

    OK = 0
    DEFECT = 1
    """opsctl itself failed, with a traceback."""
    USAGE = 2
    """The command line is wrong."""
    MISSING_PACKAGES = 3
    """The packages of opsctl are not installed."""
    CREDENTIALS = 4
    """A certificate or key file cannot be used."""

    HOST_UNREACHABLE = 10
    NOTHING_LISTENING = 11
    TLS_FAILED = 12
    SERVER_SILENT = 13
    """The GIL is held, or the process gets no CPU."""
    CONNECTION_LOST = 14
    DEADLINE_EXCEEDED = 15

    CALL_FAILED = 20
    """The server failed unexpectedly, or a proxy answered."""
    UNAUTHENTICATED = 21
    PERMISSION_DENIED = 22
    INVALID_REQUEST = 23
    WRONG_PROCESS = 24
    UNKNOWN_METHOD = 25
    REQUEST_TOO_LARGE = 26
    STREAM_STALLED = 27
    BUSY = 28
    """A retry makes sense."""
    ENGINE_UNAVAILABLE = 29
    CLONE_REFUSED = 30
    INSUFFICIENT_MEMORY = 31
    GC_MOMENT_MISSED = 32
    WALK_FAILED = 33
    WALK_TIMEOUT = 34
    CANCELLED = 35
    EVALUATION_DISABLED = 36
    AUDIT_UNAVAILABLE = 37
    PAUSE_OVER_BUDGET = 38
    CERTIFICATE_OUT_OF_DATE = 39

    INCOMPLETE_SNAPSHOT = 40
    CORRUPT_SNAPSHOT = 41
    FILE_NOT_WRITTEN = 42
    """The disk is full, the place is not writable, or a file is in the way."""
    FILE_NOT_READ = 43
    NOT_A_HEAP_GRAPH_FILE = 44
    UNSUPPORTED_HEAP_GRAPH_FILE = 45
    TRUNCATED_HEAP_GRAPH_FILE = 46
    CORRUPT_HEAP_GRAPH_FILE = 47
    AUDIT_LOG_BROKEN = 48
    """Lines of an audit log were altered, or are missing."""

    CODE_RAISED = 50
    """Evaluated code raised an exception."""
    CODE_INVALID = 51
    """The code does not compile."""
    CODE_TIMED_OUT = 52
    """Evaluated code was stopped at its time limit."""
    CODE_STILL_RUNNING = 53
    """Evaluated code could not be stopped at its time limit."""
    CODE_INTERRUPTED = 54
    """Evaluated code was interrupted."""
    CODE_NOT_STARTED = 55
    """The event loop or main thread did not start the code within its time limit."""
    PLACE_UNAVAILABLE = 56
    SESSION_NOT_FOUND = 57

    STORE_DISABLED = 60
    SNAPSHOT_NOT_FOUND = 61
    STORE_FULL = 62
    STORE_UNWRITABLE = 63
    STORE_DAMAGED = 64
    WATCH_DISABLED = 65
    HISTORY_NOT_FOUND = 66

    OBJECT_NOT_FOUND = 70
    DIFFERENT_PROCESSES = 71
    QUERY_FAILED = 72
    QUERY_TIMED_OUT = 73
    GRAPH_NOT_DRAWN = 74

    NO_SUCH_OPERATION = 80
    OPERATION_UNAVAILABLE = 81

    LEAK = 90
    """A watch found a leak."""
    GROWTH_OUTSIDE_PYTHON = 91
    """A watch found growth outside Python objects."""
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
