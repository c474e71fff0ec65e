"""Handlers and channel options of the port's gRPC server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from ops_service.config.model import Config
from ops_service.gate.methods import HEALTH_SERVICE, MAINTENANCE_SERVICE, REFLECTION_SERVICES
from ops_service.server.reflection import ReflectionServicer, reflection_handlers
from ops_service.v1 import maintenance_service_pb2_grpc

ALARMS = "ops_service.alarms"
"""Health checks query this name to learn if an alarm is active. The service keeps running."""


async def make_handlers(
    servicer: Any, checks: health.aio.HealthServicer
) -> list[grpc.GenericRpcHandler]:
    """Create the handlers of the maintenance service, health and reflection."""
    found: Any = _Handlers()
    maintenance_service_pb2_grpc.add_MaintenanceServiceServicer_to_server(servicer, found)
    for name in (MAINTENANCE_SERVICE, ALARMS):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, found)
    reflection = ReflectionServicer((MAINTENANCE_SERVICE, HEALTH_SERVICE, *REFLECTION_SERVICES))
    found.handlers.extend(reflection_handlers(REFLECTION_SERVICES, reflection))
    handlers: list[grpc.GenericRpcHandler] = found.handlers
    return handlers


class _Handlers:
    """Collects handlers as a server does, for servers that are made later."""

    def __init__(self) -> None:
        self.handlers: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        self.handlers.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """Does nothing: generated code adds the same handlers both ways."""


def channel_options(config: Config) -> list[tuple[str, int]]:
    """Limits and settings of gRPC's server."""
    limits = config.limits
    return [
        # Otherwise a second process can bind the same port, and either may answer.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", limits.request_bytes),
        ("grpc.max_metadata_size", limits.metadata_bytes),
        ("grpc.absolute_max_metadata_size", 2 * limits.metadata_bytes),
        ("grpc.max_concurrent_streams", limits.calls + limits.health_calls),
        ("grpc.max_allowed_incoming_connections", limits.connections),
        ("grpc.max_connection_idle_ms", int(limits.idle_seconds * 1000)),
        # Otherwise the window grows with a peer's speed, and with it the data that a peer
        # may send before anything reads it.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.server_handshake_timeout_ms", 5_000),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 2),
    ]
