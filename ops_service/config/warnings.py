"""Warns in the log about grants whose audit records have no reliable destination."""

from __future__ import annotations

from ops_service.config.file import with_place
from ops_service.config.model import Config
from ops_service.errors import ConfigurationError
from ops_service.log import Log

_LOG = Log()

# Calls with these capabilities are refused or leave no trace if nothing accepts the record.
_ON_RECORD = ("READ_HEAP", "OPERATE", "EVALUATE")


def warn_of_missing_audit(config: Config, before: Config | None = None) -> None:
    """Log a warning if there are grants that need an audit file, and none is set.

    Args:
        before: The previous configuration. Its warning is not repeated.
    """
    granted = _granted_without_file(config)
    if granted and (before is None or granted != _granted_without_file(before)):
        error = ConfigurationError(
            f"audit.file is not set, and grants list {', '.join(granted)}: records go only to the "
            "logger ops_service.audit. Unless one of its handlers accepts the level INFO, "
            "captures are refused and other calls leave no record; set audit.file"
        )
        _LOG.warning("%s", with_place(error, config.source))


def _granted_without_file(config: Config) -> list[str]:
    if config.audit.file is not None:
        return []
    listed = {capability for grant in config.grants for capability in grant.capabilities}
    return [capability for capability in _ON_RECORD if capability in listed]
