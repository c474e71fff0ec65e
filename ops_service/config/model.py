"""The service's configuration: frozen dataclasses, one for each table of the file.

Build a `Config` in code, or read one with `ops_service.load_config`. In both
cases `check_config` runs before the port opens.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path

from ops_service.config.limits import LimitsConfig
from ops_service.config.mesh import MeshConfig, check_mesh
from ops_service.config.watch import RuleConfig, WatchConfig, check_watch
from ops_service.errors import ConfigurationError

CAPABILITIES = ("INSPECT", "READ_HEAP", "READ_CONTENT", "OPERATE", "EVALUATE")
"""Capabilities that a grant may list: the names of ``Capability`` without their prefix."""

SLOT = "{slot}"
"""Stands for a worker's slot in the path of a socket."""


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

    allow_other_patch_release: bool = False
    """Whether the engine may run on a patch release of CPython that it was not
    compiled for, once it has proved its layout there."""
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


def split_address(address: str) -> tuple[str, int]:
    """Split ``host:port``. An IPv6 host is in brackets, which are dropped.

    Raises:
        ConfigurationError: It is not such an address.
    """
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ConfigurationError(
            f"server.address is {address!r}; write host:port, such as "
            '"127.0.0.1:7443", or "unix:/run/app/ops.sock"'
        )
    if ":" in host and not bracketed:
        raise ConfigurationError(
            f'server.address is {address!r}; put an IPv6 address in brackets: "[::1]:7443"'
        )
    return (host[1:-1] if bracketed else host), int(port)


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        pass
    try:
        # Short forms, such as "0" or "0.0".
        return socket.inet_aton(host) == bytes(4)
    except OSError:
        return host in ("", "*")


def _check_slots(server: ServerConfig) -> None:
    if server.slots > 1 and server.run_directory is None:
        raise ConfigurationError(
            f"server.slots is {server.slots} without a run directory; set server.run_directory, "
            "in which workers claim their slots"
        )
    if server.address.startswith("unix:"):
        if server.slots > 1 and SLOT not in server.address:
            raise ConfigurationError(
                f"server.slots is {server.slots} and all sockets would have the same path; write "
                f'{SLOT} into server.address, such as "unix:/run/app/ops-{SLOT}.sock"'
            )
        return
    _, port = split_address(server.address)
    if port + server.slots - 1 > 65535:
        raise ConfigurationError(
            f"server.slots is {server.slots}, and the last port would be "
            f"{port + server.slots - 1}; choose lower numbers"
        )


def _check_address(server: ServerConfig) -> None:
    if server.address.startswith("unix:"):
        if not server.address.removeprefix("unix:").startswith("/"):
            raise ConfigurationError(
                f"server.address is {server.address!r}; give the socket's absolute "
                'path, such as "unix:/run/app/ops.sock"'
            )
        return
    host, _ = split_address(server.address)
    if _is_wildcard(host) and not server.allow_wildcard_bind:
        raise ConfigurationError(
            f"server.address is {server.address!r}, which opens the port on every "
            "interface; name one interface, or set server.allow_wildcard_bind = true"
        )


def _check_grants(config: Config, *, may_be_empty: bool) -> None:
    if not config.grants and not may_be_empty:
        raise ConfigurationError(
            "grants is empty, so nobody could call anything; add a [[grants]] table "
            "with principal and capabilities"
        )
    seen: set[str] = set()
    for index, grant in enumerate(config.grants):
        key = f"grants[{index}]"
        name = grant.principal
        prefix = next((p for p in ("spiffe://", "uri:", "dns:") if name.startswith(p)), "")
        if not prefix or name == prefix:
            raise ConfigurationError(
                f'{key}.principal is {name!r}; write "spiffe://domain/path", '
                '"uri:…" or "dns:…", as the certificate names it'
            )
        if name.startswith("uri:spiffe:"):
            raise ConfigurationError(f'{key}.principal is {name!r}; leave out "uri:"')
        domain = name.removeprefix("spiffe://").partition("/")[0]
        if prefix == "spiffe://" and domain not in config.authorization.trust_domains:
            raise ConfigurationError(
                f"{key}.principal is {name!r}, whose trust domain is not listed; "
                f'add "{domain}" to authorization.trust_domains'
            )
        _check_wildcard(key, grant)
        if name in seen:
            raise ConfigurationError(
                f"{key}.principal is {name!r}, which has a grant already; merge the two"
            )
        seen.add(name)
        if not grant.capabilities:
            raise ConfigurationError(
                f"{key}.capabilities is empty; list some of {', '.join(CAPABILITIES)}"
            )
        if grant.operations and "OPERATE" not in grant.capabilities:
            raise ConfigurationError(
                f'{key}.operations has no effect without the capability; add "OPERATE" to '
                f"{key}.capabilities"
            )
        if "" in grant.operations:
            raise ConfigurationError(
                f'{key}.operations holds an empty pattern; write names such as "cache.clear" or '
                'patterns such as "cache.*"'
            )
        for capability in grant.capabilities:
            if capability not in CAPABILITIES:
                raise ConfigurationError(
                    f"{key}.capabilities holds {capability!r}, which is not a capability; "
                    f"choose from {', '.join(CAPABILITIES)}"
                )


def _check_wildcard(key: str, grant: Grant) -> None:
    name = grant.principal
    if "*" not in name:
        return
    for capability in ("EVALUATE", "READ_CONTENT"):
        if capability in grant.capabilities:
            raise ConfigurationError(
                f"{key}.principal is {name!r}, a wildcard, which cannot hold {capability}; name "
                "each principal that may have it"
            )
    if not re.fullmatch(r"(spiffe|uri:[\w+.-]+)://[^/*]+(/[^/*]+)*/\*", name):
        raise ConfigurationError(
            f'{key}.principal is {name!r}; a "*" may only stand for the whole last segment of a '
            'URI, as in "spiffe://example.org/team/*"'
        )


def _check_revocation(config: RevocationConfig) -> None:
    for index, serial in enumerate(config.denied_serials):
        digits = serial.replace(":", "")
        if not digits or any(each not in "0123456789abcdefABCDEF" for each in digits):
            raise ConfigurationError(
                f"revocation.denied_serials[{index}] is {serial!r}; write the serial number in "
                "hexadecimal, as openssl x509 -serial prints it"
            )


def _check_bounds(config: Config) -> None:
    bounds: list[tuple[str, float, float, float]] = [
        ("evaluation.time_limit_seconds", config.evaluation.time_limit_seconds, 0.1, 3600),
        ("evaluation.output_limit_bytes", config.evaluation.output_limit_bytes, 1, 64 << 20),
        ("evaluation.result_limit_bytes", config.evaluation.result_limit_bytes, 64, 1 << 20),
        ("evaluation.max_sessions", config.evaluation.max_sessions, 1, 64),
        ("evaluation.session_idle_seconds", config.evaluation.session_idle_seconds, 1, 86400),
        ("evaluation.max_concurrent", config.evaluation.max_concurrent, 1, 64),
        ("audit.rotate_bytes", config.audit.rotate_bytes, 0, 1 << 40),
        ("audit.keep_files", config.audit.keep_files, 0, 1000),
        ("heap.lifetime_limit_seconds", config.heap.lifetime_limit_seconds, 1, 600),
        ("store.max_bytes", config.store.max_bytes, 1 << 20, 1 << 44),
        ("heap.cpu_share", config.heap.cpu_share, 0.01, 1),
        ("heap.pause_budget_seconds", config.heap.pause_budget_seconds, 0.001, 60),
        ("server.slots", config.server.slots, 1, 1000),
        *config.limits.bounds(),
    ]
    for key, value, low, high in bounds:
        # This form also refuses not-a-number.
        if not low <= value <= high:
            raise ConfigurationError(f"{key} is {value}; choose from {low} to {high}")


def check_config(config: Config, *, may_grant_nothing: bool = False) -> None:
    """Refuse values that make no sense or are not safe. Touches no file.

    Args:
        may_grant_nothing: Accept a configuration without grants.

    Raises:
        ConfigurationError: Names the key and the fix.
    """
    _check_address(config.server)
    _check_slots(config.server)
    _check_grants(config, may_be_empty=may_grant_nothing)
    _check_revocation(config.revocation)
    check_mesh(
        config.mesh,
        address=config.server.address,
        has_tls=config.tls is not None,
        has_crl=config.revocation.crl is not None,
    )
    _check_bounds(config)
    check_watch(config.watch, config.rules, has_store=config.store.directory is not None)
    if config.evaluation.enabled and config.audit.file is None:
        raise ConfigurationError(
            "evaluation.enabled is true without an audit file; set audit.file, so that "
            "each source is recorded before it runs"
        )
