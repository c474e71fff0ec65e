"""A private maintenance port inside a running Python process.

    import ops_service

    service = ops_service.start()   # reads the TOML file that OPS_SERVICE_CONFIG names
    print(service.address)

Importing this package imports neither gRPC nor protobuf; `start` does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ops_service.version import VERSION

if TYPE_CHECKING:
    from ops_service.config.file import load_config
    from ops_service.config.model import (
        AuditConfig,
        AuthorizationConfig,
        Config,
        EvaluationConfig,
        Grant,
        HeapConfig,
        LimitsConfig,
        MeshConfig,
        ProcessConfig,
        RevocationConfig,
        RuleConfig,
        ServerConfig,
        StoreConfig,
        TlsConfig,
        WatchConfig,
    )
    from ops_service.errors import ConfigurationError, OpsServiceError, StartError
    from ops_service.process.operation_run import OperationContext, OperationFailed
    from ops_service.process.operations import operation
    from ops_service.server.service import Service, start
    from ops_service.watch.rules import RuleFired

__version__ = VERSION

_MODULES = {
    "AuditConfig": "config.model",
    "AuthorizationConfig": "config.model",
    "Config": "config.model",
    "ConfigurationError": "errors",
    "EvaluationConfig": "config.model",
    "Grant": "config.model",
    "HeapConfig": "config.model",
    "LimitsConfig": "config.model",
    "MeshConfig": "config.model",
    "OperationContext": "process.operation_run",
    "OperationFailed": "process.operation_run",
    "OpsServiceError": "errors",
    "ProcessConfig": "config.model",
    "RevocationConfig": "config.model",
    "RuleConfig": "config.model",
    "RuleFired": "watch.rules",
    "ServerConfig": "config.model",
    "Service": "server.service",
    "StartError": "errors",
    "StoreConfig": "config.model",
    "TlsConfig": "config.model",
    "WatchConfig": "config.model",
    "load_config": "config.file",
    "operation": "process.operations",
    "start": "server.service",
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
