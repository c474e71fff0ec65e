"""The service's configuration: frozen dataclasses, one for each table of the file.

Build a `Config` in code, or read one with `ops_service.load_config`. In both
cases `ops_service.config.checks.check_config` runs before the port opens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

CAPABILITIES = ("INSPECT", "READ_HEAP", "READ_CONTENT", "OPERATE", "EVALUATE")
"""Capabilities that a grant may list: the names of ``Capability`` without their prefix."""

SLOT = "{slot}"
"""Stands for a worker's slot in the path of a socket."""

CONDITIONS = ("leak", "growth", "headroom")
"""Conditions of a rule."""

ACTIONS = ("log", "hook", "snapshot")
"""Actions of a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Address and slots of the port."""

    address: str = "127.0.0.1:7443"
    """``host:port`` or ``unix:/path/of/socket``. Port 0 lets the system choose."""
    allow_wildcard_bind: bool = False
    """Whether an address that means every interface, such as 0.0.0.0, is accepted."""
    run_directory: Path | None = None
    """Directory for the descriptors of one application's workers, so that each worker can list
    all. Created with mode 0700 if it does not exist. Without it, there are no slots."""
    slots: int = 1
    """Maximum number of workers with a port. Each takes the lowest free slot.
    Its port is the address's port plus the slot, or ``{slot}`` in a socket's path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """Files of the server's identity, in PEM. They are read again when they change."""

    certificate: Path
    """Certificate of the server, followed by its intermediates if it has any."""
    private_key: Path
    """Private key of the certificate. Only its owner and group may read it."""
    client_ca: Path
    """Certificates of the authorities whose client certificates are accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationConfig:
    """The names that are trusted."""

    trust_domains: tuple[str, ...] = ()
    """SPIFFE trust domains whose ids are accepted, such as ``example.org``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationConfig:
    """Revoked certificates. The settings and the list are read again when they change."""

    crl: Path | None = None
    """Revocation lists of the authorities in ``tls.client_ca``, in PEM or one in DER.
    Needs the extra ``ops-service[revocation]``. Every issuer must have a list."""
    denied_serials: tuple[str, ...] = ()
    """Serial numbers in hexadecimal, as ``openssl x509 -serial`` prints them, with or
    without colons. They are refused whatever the issuer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The capabilities of one principal."""

    principal: str
    """``spiffe://…``, ``uri:…`` for another URI, or ``dns:…``, as in the certificate.
    The last segment of a URI may be ``*``, which matches any one segment."""
    capabilities: tuple[str, ...]
    """Names from `CAPABILITIES`. None implies another."""
    operations: tuple[str, ...] = ()
    """Operations of the application that it may run, such as ``cache.*``. They need
    the capability OPERATE too. An empty list allows none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationConfig:
    """Evaluation of code: whether it is allowed, and its limits."""

    enabled: bool = False
    """Off by default. A caller who may evaluate controls the process."""
    time_limit_seconds: float = 10.0
    """Default and upper bound of an evaluation's running time."""
    output_limit_bytes: int = 1 << 20
    """Maximum size of printed text, as UTF-8. The rest is dropped."""
    result_limit_bytes: int = 64 << 10
    """Maximum size of the text of a value, an exception or a traceback, as UTF-8. The rest is
    cut."""
    max_concurrent: int = 2
    """Concurrent evaluations. One that cannot be stopped keeps its slot."""
    max_sessions: int = 4
    """Concurrent interactive sessions, including disconnected ones."""
    session_idle_seconds: float = 900.0
    """Seconds without input after which an interactive session ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditConfig:
    """Destination of the audit records."""

    file: Path | None = None
    """File that records are appended to, one JSON object a line. Without a file
    they go to the logger ``ops_service.audit`` at the level INFO. Then captures are refused
    unless a handler accepts them, and evaluation is refused. A start with grants of READ_HEAP,
    OPERATE or EVALUATE then logs a warning."""
    rotate_bytes: int = 0
    """Size at which the file is renamed to ``….1`` and a new file begins, which continues
    the chain of hashes. 0 for never."""
    keep_files: int = 10
    """Number of renamed files to keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapConfig:
    """The snapshot engine."""

    lifetime_limit_seconds: float = 30.0
    """Maximum lifetime of a walking child. While it lives, pages that the process
    writes to exist twice."""
    cpu_share: float = 0.25
    """Share of a CPU quota that a walking child and the service's threads may use
    together. A smaller share makes captures last longer."""
    pause_budget_seconds: float = 1.0
    """Maximum seconds that the process may pause for a clone. A clone with a longer
    estimate is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """Evidence on disk that outlives the process."""

    directory: Path | None = None
    """Directory for snapshots and the watch's history. Off by default. Created with
    mode 0700 if it does not exist; several processes may share it."""
    max_bytes: int = 1 << 30
    """Maximum size of all its files, of all processes. The oldest are evicted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessConfig:
    """Start settings that GetProcess returns, besides names."""

    shown_environment: tuple[str, ...] = ()
    """Environment variables whose values are returned."""
    shown_arguments: tuple[str, ...] = ()
    """Arguments whose values are returned: ``--option``, or the position of a
    positional argument, such as ``1`` for the script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsConfig:
    """Limits on the resources that callers use."""

    calls: int = 32
    """Concurrent calls, without health checks."""
    calls_per_principal: int = 8
    """Concurrent calls of one principal, without health checks."""
    streams_per_principal: int = 4
    """Concurrent streaming calls of one principal; they count as calls too."""
    calls_per_second: float = 100.0
    """Calls of one principal a second, granted or refused. Health checks have a separate
    allowance of the same size. A burst may be twice as large."""
    health_calls: int = 16
    """Concurrent health checks. Only they use these slots, and one caller gets at most half."""
    connections: int = 128
    """Concurrent connections of all callers, including those in a handshake. Further ones are
    closed immediately."""
    idle_seconds: float = 600.0
    """Seconds without a call after which a connection is closed."""
    request_bytes: int = 2 << 20
    """Maximum size of a request message."""
    metadata_bytes: int = 8 << 10
    """Maximum size of a call's metadata, as HTTP/2 counts it."""
    request_seconds: float = 10.0
    """Seconds that a caller may take to send its request once the call is open."""
    stall_seconds: float = 20.0
    """Seconds that a caller may leave a message of a stream unread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchConfig:
    """The background watch, which runs without a caller."""

    interval_seconds: float = 0.0
    """Seconds between samples. 0 switches the watch off."""
    history_bytes: int = 4 << 20
    """Maximum size of its reports in the store, for each process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleConfig:
    """A condition that the background watch acts on."""

    name: str
    """The rule's name in logs and reports."""
    when: str
    """``leak``: the verdict is LEAK. ``growth``: live Python objects or resident
    memory grew by more than ``growth_bytes`` since the watch began. ``headroom``:
    the free memory is less than ``headroom_captures`` captures would take."""
    actions: tuple[str, ...]
    """``log``: a warning to the logger ``ops_service.watch``. ``hook``: calls the function
    that was passed to ``ops_service.start``. ``snapshot``: captures the heap into the
    store, without contents."""
    growth_bytes: int = 256 << 20
    """Threshold for ``growth``, in bytes."""
    headroom_captures: float = 3.0
    """Threshold for ``headroom``, in captures. At least 1: below that, a capture is refused."""
    per_window: int = 1
    """Maximum number of actions within a window."""
    window_seconds: float = 3600.0
    """Length of the window, in seconds."""
    per_day: int = 4
    """Maximum number of actions within a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshConfig:
    """A proxy of the same user that terminates TLS and reports the caller's identity.

    The port then uses plaintext on a Unix socket, in a directory that no other user
    may enter. Any process that can open the socket can claim any identity.
    """

    enabled: bool = False
    """Off by default. If on, the port itself has no TLS: there is no ``tls`` table."""
    proxies: tuple[str, ...] = ()
    """Names of the proxy, ``spiffe://…`` or another URI, as in its own certificate and after
    ``By=`` in the header. Statements of other proxies are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration, as `ops_service.start` takes it."""

    tls: TlsConfig | None = None
    """Files of the server's identity. Required, except for a port in a mesh."""
    grants: tuple[Grant, ...]
    """Capabilities by principal. Nobody else may do anything."""
    server: ServerConfig = field(default_factory=ServerConfig)
    """Address and slots of the port."""
    authorization: AuthorizationConfig = field(default_factory=AuthorizationConfig)
    """The names that are trusted."""
    revocation: RevocationConfig = field(default_factory=RevocationConfig)
    """Revoked certificates."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """Evaluation of code."""
    audit: AuditConfig = field(default_factory=AuditConfig)
    """Destination of the audit records."""
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    """Limits on the resources that callers use."""
    heap: HeapConfig = field(default_factory=HeapConfig)
    """The snapshot engine."""
    source: Path | None = field(default=None, metadata={"in_file": False}, compare=False)
    """The file that this was read from. It is checked for changes."""
    store: StoreConfig = field(default_factory=StoreConfig)
    """Evidence on disk that outlives the process."""
    process: ProcessConfig = field(default_factory=ProcessConfig)
    """Start settings that GetProcess returns."""
    watch: WatchConfig = field(default_factory=WatchConfig)
    """The background watch, which runs without a caller."""
    mesh: MeshConfig = field(default_factory=MeshConfig)
    """A proxy that terminates TLS and reports the caller's identity."""
    rules: tuple[RuleConfig, ...] = ()
    """Rules of the background watch."""
