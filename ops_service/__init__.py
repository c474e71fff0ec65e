"""A private maintenance port inside a running Python process.

    import ops_service

    service = ops_service.start()   # reads the TOML file that OPS_SERVICE_CONFIG names
    print(service.address)

Importing this package imports neither gRPC nor protobuf; `start` does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ops_service.background.rules import RuleFired
    from ops_service.config import (
        AuditConfig,
        AuthorizationConfig,
        Config,
        EvaluationConfig,
        Grant,
        HeapConfig,
        ProcessConfig,
        RevocationConfig,
        ServerConfig,
        StoreConfig,
        TlsConfig,
    )
    from ops_service.config_file import load_config
    from ops_service.config_limits import LimitsConfig
    from ops_service.config_mesh import MeshConfig
    from ops_service.config_watch import RuleConfig, WatchConfig
    from ops_service.errors import ConfigurationError, OpsServiceError, StartError
    from ops_service.process.operation_run import OperationContext, OperationFailed
    from ops_service.process.operations import operation
    from ops_service.server import Service, start

_MODULES = {
    "AuditConfig": "config",
    "AuthorizationConfig": "config",
    "Config": "config",
    "ConfigurationError": "errors",
    "EvaluationConfig": "config",
    "Grant": "config",
    "HeapConfig": "config",
    "LimitsConfig": "config_limits",
    "MeshConfig": "config_mesh",
    "OperationContext": "process.operation_run",
    "OperationFailed": "process.operation_run",
    "OpsServiceError": "errors",
    "ProcessConfig": "config",
    "RevocationConfig": "config",
    "RuleConfig": "config_watch",
    "RuleFired": "background.rules",
    "ServerConfig": "config",
    "Service": "server",
    "StartError": "errors",
    "StoreConfig": "config",
    "TlsConfig": "config",
    "WatchConfig": "config_watch",
    "load_config": "config_file",
    "operation": "process.operations",
    "start": "server",
}

__all__ = [
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


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
