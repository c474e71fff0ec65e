"""The checks of a configuration, before a port opens and before a reload takes effect."""

from __future__ import annotations

from ops_service.config.check_address import check_address, check_slots
from ops_service.config.check_grants import check_grants
from ops_service.config.check_mesh import check_mesh
from ops_service.config.check_watch import check_watch
from ops_service.config.model import Config, RevocationConfig
from ops_service.errors import ConfigurationError


def check_config(config: Config, *, may_grant_nothing: bool = False) -> None:
    """Refuse values that make no sense or are not safe. Touches no file.

    Args:
        may_grant_nothing: Accept a configuration without grants.

    Raises:
        ConfigurationError: Names the key and the fix.
    """
    check_address(config.server)
    check_slots(config.server)
    check_grants(config, may_be_empty=may_grant_nothing)
    _check_revocation(config.revocation)
    check_mesh(config)
    _check_bounds(config)
    check_watch(config)
    if config.evaluation.enabled and config.audit.file is None:
        raise ConfigurationError(
            "evaluation.enabled is true without an audit file; set audit.file, so that "
            "each source is recorded before it runs"
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
        ("watch.history_bytes", config.watch.history_bytes, 64 << 10, 1 << 30),
        ("limits.calls", config.limits.calls, 1, 1000),
        ("limits.calls_per_principal", config.limits.calls_per_principal, 1, 1000),
        ("limits.streams_per_principal", config.limits.streams_per_principal, 1, 1000),
        ("limits.calls_per_second", config.limits.calls_per_second, 0.1, 100_000),
        ("limits.health_calls", config.limits.health_calls, 1, 1000),
        ("limits.connections", config.limits.connections, 4, 10_000),
        ("limits.idle_seconds", config.limits.idle_seconds, 1, 86_400),
        # EvaluateCode takes 1 MiB of source.
        ("limits.request_bytes", config.limits.request_bytes, 1 << 10, 16 << 20),
        ("limits.metadata_bytes", config.limits.metadata_bytes, 1 << 10, 64 << 10),
        ("limits.request_seconds", config.limits.request_seconds, 0.1, 600),
        ("limits.stall_seconds", config.limits.stall_seconds, 0.1, 600),
    ]
    for index, rule in enumerate(config.rules):
        key = f"rules[{index}]"
        bounds += [
            (f"{key}.growth_bytes", rule.growth_bytes, 1 << 10, 1 << 44),
            (f"{key}.headroom_captures", rule.headroom_captures, 1, 100),
            (f"{key}.per_window", rule.per_window, 1, 1000),
            (f"{key}.window_seconds", rule.window_seconds, 0.1, 86_400),
            (f"{key}.per_day", rule.per_day, 1, 10_000),
        ]
    for key, value, low, high in bounds:
        # This form also refuses not-a-number.
        if not low <= value <= high:
            raise ConfigurationError(f"{key} is {value}; choose from {low} to {high}")
