"""The public names of the package, which must not change."""

from __future__ import annotations

import pytest

import ops_service


def test_public_names() -> None:
    assert ops_service.__all__ == [
        "AuditConfig",
        "AuthorizationConfig",
        "Config",
        "ConfigurationError",
        "EvaluationConfig",
        "Grant",
        "HeapConfig",
        "LimitsConfig",
        "MeshConfig",
        "OperationContext",
        "OperationFailed",
        "OpsServiceError",
        "ProcessConfig",
        "RevocationConfig",
        "RuleConfig",
        "RuleFired",
        "ServerConfig",
        "Service",
        "StartError",
        "StoreConfig",
        "TlsConfig",
        "WatchConfig",
        "load_config",
        "operation",
        "start",
    ]


@pytest.mark.parametrize("name", ops_service.__all__)
def test_each_is_there_and_documented(name: str) -> None:
    assert getattr(ops_service, name).__doc__
    assert name in dir(ops_service)


def test_others_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ops_service.nothing  # noqa: B018
